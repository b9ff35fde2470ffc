-- PostgreSQL lets no notice of a script through.
SET LOCAL client_min_messages = notice;
DO $$
BEGIN
    IF to_regrole('devapp_admin') IS NOT NULL THEN
        RAISE NOTICE 'the roles of devapp do not yet have the privileges that devapp @TO@ declares'
            USING HINT = 'Run SELECT devapp.setup_roles().';
    END IF;
END
$$;
