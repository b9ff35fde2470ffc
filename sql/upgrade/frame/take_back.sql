-- What is new is for nobody, until setup_roles() grants what is declared.
DO $$
DECLARE
    made oid;
BEGIN
    FOR made IN
        SELECT DISTINCT h.object_id
          FROM devapp_internal.held_privilege h
          JOIN pg_depend d ON d.classid = CASE h.kind WHEN 'ROUTINE' THEN 'pg_proc' WHEN 'TYPE' THEN 'pg_type'
                                                      WHEN 'SCHEMA' THEN 'pg_namespace' ELSE 'pg_class' END::regclass
                          AND d.objid = h.object_id AND d.deptype = 'e'
         WHERE d.classid || '/' || d.objid <> ALL (string_to_array(current_setting('devapp_update.members'), ','))
    LOOP
        PERFORM devapp_internal.take_back(made);
    END LOOP;
END
$$;
