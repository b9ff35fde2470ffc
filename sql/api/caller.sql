-- Who sends a request over HTTP; see src/api/caller.c.

-- The products whose keys the API takes: keys of devapp-admin do what their scopes say, those of
-- devapp-portal act for the developer who owns the app.  Only an administrator can give them.
CREATE FUNCTION devapp_internal.setup_products() RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO devapp.product (name, display_name, description, approval, access, scopes)
    SELECT r.name, r.display_name, r.description, 'manual', 'internal', r.scopes
      FROM (VALUES ('devapp-admin', 'Management of the developer program', 'Its keys manage the program over HTTP, as far as their scopes go.',
                    '{devapp:admin,devapp:read,devapp:verify}'::text[]),
                   ('devapp-portal', 'Self-service of developers', 'A key of a developer''s app acts for that developer over HTTP.',
                    '{}')) AS r (name, display_name, description, scopes)
     WHERE NOT EXISTS (SELECT FROM devapp.product p WHERE p.name = r.name AND p.deleted_at IS NULL)
$$;
