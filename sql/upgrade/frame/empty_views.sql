-- Views that read materialized ones, which are remade.
DO $$
DECLARE
    emptied regclass;
    columns text;
BEGIN
    FOREACH emptied IN ARRAY ARRAY[@VIEWS@]::regclass[] LOOP
        SELECT string_agg(format('NULL::%s%s AS %I', format_type(a.atttypid, a.atttypmod),
                                 CASE WHEN a.attcollation <> t.typcollation THEN format(' COLLATE %I.%I', n.nspname, c.collname) END,
                                 a.attname), ', ' ORDER BY a.attnum)
          INTO columns
          FROM pg_attribute a
          JOIN pg_type t ON t.oid = a.atttypid
          LEFT JOIN pg_collation c ON c.oid = a.attcollation
          LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
         WHERE a.attrelid = emptied AND a.attnum > 0 AND NOT a.attisdropped;
        EXECUTE format('CREATE OR REPLACE VIEW %s AS SELECT %s WHERE false', emptied, columns);
    END LOOP;
END
$$;
