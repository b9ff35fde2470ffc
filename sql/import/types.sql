-- What an import returns, and what it keeps about a credential between reading and storing it.

CREATE TYPE devapp.import_line AS (
    line integer,
    kind text,
    name text,
    outcome text,
    detail text
);
COMMENT ON TYPE devapp.import_line IS 'Result of an import for an object of its document';
COMMENT ON COLUMN devapp.import_line.line IS 'Number of the object: products, developers, teams, then each app before its credentials';
COMMENT ON COLUMN devapp.import_line.kind IS 'product, developer, team, app or credential';
COMMENT ON COLUMN devapp.import_line.name IS 'Its name; of an app OWNER/NAME, of a credential OWNER/NAME#NUMBER';
COMMENT ON COLUMN devapp.import_line.outcome IS 'created; unchanged: it already exists; skipped: nothing to import; refused';
COMMENT ON COLUMN devapp.import_line.detail IS 'Why it was skipped or refused';
SELECT devapp_internal.grant_on('TYPE', 'devapp.import_line', 'USAGE', 'admin');

CREATE TYPE devapp.import_item AS (
    line integer,
    n integer,
    credential_id uuid,
    app_id uuid,
    kind text,
    scheme text,
    consumer_key text,
    label text,
    environment text,
    status text,
    scopes text[],
    allowed_cidrs cidr[],
    attributes jsonb,
    expires_at timestamptz,
    products jsonb,
    product_ids uuid[],
    product_statuses text[],
    older integer[],
    older_schemes text[],
    older_until timestamptz[]
);
COMMENT ON COLUMN devapp.import_item.n IS 'The number under which hold_imported() keeps the digest';
COMMENT ON COLUMN devapp.import_item.products IS 'What product_ids and product_statuses were read from';
COMMENT ON COLUMN devapp.import_item.older IS 'The numbers of the secrets that it superseded and that still work';
SELECT devapp_internal.grant_on('TYPE', 'devapp.import_item', 'USAGE', 'admin');

REVOKE ALL ON TYPE devapp.import_line, devapp.import_item FROM PUBLIC;
