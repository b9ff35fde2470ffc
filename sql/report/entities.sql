-- Apps, products, developers and teams, the deleted ones as well: what the ids of other
-- reports stand for.  Names are unique only among those that are not deleted.

CREATE VIEW devapp_report.apps AS
SELECT a.app_id, a.app, a.display_name, a.app_path, a.owner_id, a.owner, a.owner_kind, a.status, a.description, a.app_family,
       coalesce(u.calls_30d, 0) AS calls_30d, coalesce(u.refused_30d, 0) AS refused_30d, a.created_at, a.deleted_at, a.is_deleted
  FROM devapp_internal.named_app a
  LEFT JOIN devapp_internal.app_usage u ON u.app_id = a.app_id;
COMMENT ON VIEW devapp_report.apps IS 'Apps: one row per app, including deleted ones. Live; calls as of the last refresh';
COMMENT ON COLUMN devapp_report.apps.app_id IS 'Permanent id of the app';
COMMENT ON COLUMN devapp_report.apps.app IS 'Name of the app, unique among those of its owner that are not deleted';
COMMENT ON COLUMN devapp_report.apps.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp_report.apps.app_path IS 'Owner and name of the app, as functions of devapp take it; unique among apps that are not deleted';
COMMENT ON COLUMN devapp_report.apps.owner_id IS 'Id of the developer or team that owns it now';
COMMENT ON COLUMN devapp_report.apps.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp_report.apps.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.apps.status IS 'pending, rejected, approved, suspended, revoked or deleted';
COMMENT ON COLUMN devapp_report.apps.description IS 'Description by the owner; null: none';
COMMENT ON COLUMN devapp_report.apps.app_family IS 'Family of apps that it belongs to; null: none';
COMMENT ON COLUMN devapp_report.apps.calls_30d IS 'Calls allowed in the last 30 days, including today (UTC)';
COMMENT ON COLUMN devapp_report.apps.refused_30d IS 'Calls refused in the last 30 days';
COMMENT ON COLUMN devapp_report.apps.created_at IS 'When the app was created';
COMMENT ON COLUMN devapp_report.apps.deleted_at IS 'When it was deleted; null: not deleted';
COMMENT ON COLUMN devapp_report.apps.is_deleted IS 'Whether it was deleted';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.apps', 'SELECT', 'admin', 'analyst');

CREATE VIEW devapp_report.products AS
SELECT p.product_id, p.name AS product, p.display_name, p.description, p.approval, p.access, p.created_at, p.deleted_at, p.deleted_at IS NOT NULL AS is_deleted
  FROM devapp.product p;
COMMENT ON VIEW devapp_report.products IS 'Products: one row per product, including deleted ones. Live';
COMMENT ON COLUMN devapp_report.products.product_id IS 'Permanent id of the product';
COMMENT ON COLUMN devapp_report.products.product IS 'Name of the product, unique among those that are not deleted';
COMMENT ON COLUMN devapp_report.products.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp_report.products.description IS 'Description; null: none';
COMMENT ON COLUMN devapp_report.products.approval IS 'auto: new requests are approved; manual: they are pending';
COMMENT ON COLUMN devapp_report.products.access IS 'public, private or internal';
COMMENT ON COLUMN devapp_report.products.created_at IS 'When the product was created';
COMMENT ON COLUMN devapp_report.products.deleted_at IS 'When it was deleted; null: not deleted';
COMMENT ON COLUMN devapp_report.products.is_deleted IS 'Whether it was deleted';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.products', 'SELECT', 'admin', 'analyst');

CREATE VIEW devapp_report.developers AS
SELECT d.developer_id, d.email, d.status, d.created_at, d.deleted_at, d.deleted_at IS NOT NULL AS is_deleted
  FROM devapp.developer d;
COMMENT ON VIEW devapp_report.developers IS 'Developers: one row per developer, including deleted ones. Live';
COMMENT ON COLUMN devapp_report.developers.developer_id IS 'Permanent id of the developer: the owner_id of their apps';
COMMENT ON COLUMN devapp_report.developers.email IS 'E-mail, unique among those that are not deleted';
COMMENT ON COLUMN devapp_report.developers.status IS 'active or inactive';
COMMENT ON COLUMN devapp_report.developers.created_at IS 'When the developer was registered';
COMMENT ON COLUMN devapp_report.developers.deleted_at IS 'When the developer was deleted; null: not deleted';
COMMENT ON COLUMN devapp_report.developers.is_deleted IS 'Whether the developer was deleted';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.developers', 'SELECT', 'admin', 'analyst');

CREATE VIEW devapp_report.teams AS
SELECT t.team_id, t.name AS team, t.display_name, t.status, t.created_at, t.deleted_at, t.deleted_at IS NOT NULL AS is_deleted
  FROM devapp.team t;
COMMENT ON VIEW devapp_report.teams IS 'Teams: one row per team, including deleted ones. Live';
COMMENT ON COLUMN devapp_report.teams.team_id IS 'Permanent id of the team: the owner_id of its apps';
COMMENT ON COLUMN devapp_report.teams.team IS 'Name of the team, unique among those that are not deleted';
COMMENT ON COLUMN devapp_report.teams.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp_report.teams.status IS 'active or inactive';
COMMENT ON COLUMN devapp_report.teams.created_at IS 'When the team was created';
COMMENT ON COLUMN devapp_report.teams.deleted_at IS 'When it was deleted; null: not deleted';
COMMENT ON COLUMN devapp_report.teams.is_deleted IS 'Whether it was deleted';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.teams', 'SELECT', 'admin', 'analyst');
