-- The sealed audit trail: sealing, checkpoints, proofs, and what they refuse.  What
-- tampering looks like is in test/t.
\set SHOW_CONTEXT never

-- enough events for a tree, also where no other test has run
SELECT count(devapp.create_product('sealed-before-' || n)) FROM generate_series(1, 20) AS n;
-- an event that no other test counts on, not sealed yet
SELECT FROM devapp.create_product('sealed-1');
SELECT max(event_id) AS first_event FROM devapp.audit_event WHERE entity = 'product' \gset
\set VERBOSITY sqlstate
SELECT devapp.audit_proof(:first_event);
\set VERBOSITY default

-- sealing takes all that is there, in the order of events
SELECT * FROM devapp.seal_audit() \gset a_
SELECT :a_tree_size = count(*) AS all_events FROM devapp.audit_event;
SELECT count(*) = :a_tree_size AS all_leaves, bool_and(leaf_index = n - 1) AS in_order
  FROM (SELECT leaf_index, row_number() OVER (ORDER BY event_id) AS n FROM devapp.audit_leaf) AS l;
SELECT count(*) AS of_other_hash FROM devapp.audit_leaf l JOIN devapp.audit_event e USING (event_id) WHERE l.leaf_hash <> e.leaf_hash;
-- the note of a checkpoint that is not signed: origin, size, root, an empty line
SELECT :'a_note' = E'devapp\n' || :a_tree_size || E'\n' || encode(:'a_root', 'base64') || E'\n\n' AS note, :{?a_public_key} AS signed;
SELECT devapp.audit_public_key() IS NULL AS no_key;

-- again: nothing is new, so it is the same checkpoint
SELECT c = (SELECT k FROM devapp.audit_checkpoint k WHERE k.tree_size = :a_tree_size) AS same FROM devapp.seal_audit() c;
-- one more event is one more leaf, also in the transaction that made it
BEGIN;
SELECT FROM devapp.create_product('sealed-2');
SELECT tree_size - :a_tree_size AS grown, previous_size = :a_tree_size AS follows FROM devapp.seal_audit();
ROLLBACK;
SELECT tree_size - :a_tree_size AS grown FROM devapp.seal_audit();
SELECT FROM devapp.create_product('sealed-2');
SELECT FROM devapp.create_product('sealed-3');
SELECT FROM devapp.update_product('sealed-3', display_name => 'Sealed');
SELECT * FROM devapp.seal_audit() \gset b_
SELECT :b_tree_size - :a_tree_size AS grown, :b_previous_size = :a_tree_size AS follows;
SELECT * FROM devapp.verify_audit();

-- ---------- proofs, checked in SQL as RFC 9162 has it ----------

CREATE FUNCTION pg_temp.node(l bytea, r bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT sha256('\x01'::bytea || l || r) $$;

-- MTH: the root of leaf hashes, by the definition
CREATE FUNCTION pg_temp.mth(d bytea[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    n integer := coalesce(cardinality(d), 0);
    k integer := 1;
BEGIN
    IF n = 0 THEN
        RETURN sha256('');
    ELSIF n = 1 THEN
        RETURN d[1];
    END IF;
    WHILE 2 * k < n LOOP
        k := 2 * k;
    END LOOP;
    RETURN pg_temp.node(pg_temp.mth(d[1:k]), pg_temp.mth(d[k + 1:n]));
END
$$;

-- 2.1.3.2
CREATE FUNCTION pg_temp.inclusion(leaf bytea, leaf_index bigint, tree_size bigint, path bytea[], root bytea) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    fn bigint := leaf_index;
    sn bigint := tree_size - 1;
    r bytea := leaf;
    p bytea;
BEGIN
    IF leaf_index >= tree_size THEN
        RETURN false;
    END IF;
    FOREACH p IN ARRAY path LOOP
        IF sn = 0 THEN
            RETURN false;
        END IF;
        IF fn % 2 = 1 OR fn = sn THEN
            r := pg_temp.node(p, r);
            WHILE fn % 2 = 0 AND fn <> 0 LOOP
                fn := fn >> 1;
                sn := sn >> 1;
            END LOOP;
        ELSE
            r := pg_temp.node(r, p);
        END IF;
        fn := fn >> 1;
        sn := sn >> 1;
    END LOOP;
    RETURN sn = 0 AND r = root;
END
$$;

-- 2.1.4.2
CREATE FUNCTION pg_temp.consistency(first bigint, first_hash bytea, second bigint, second_hash bytea, path bytea[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    fn bigint := first - 1;
    sn bigint := second - 1;
    fr bytea;
    sr bytea;
    c bytea;
BEGIN
    IF cardinality(path) = 0 THEN
        RETURN false;
    END IF;
    IF first & (first - 1) = 0 THEN
        path := first_hash || path;
    END IF;
    WHILE fn % 2 = 1 LOOP
        fn := fn >> 1;
        sn := sn >> 1;
    END LOOP;
    fr := path[1];
    sr := path[1];
    FOREACH c IN ARRAY path[2:] LOOP
        IF sn = 0 THEN
            RETURN false;
        END IF;
        IF fn % 2 = 1 OR fn = sn THEN
            fr := pg_temp.node(c, fr);
            sr := pg_temp.node(c, sr);
            WHILE fn % 2 = 0 AND fn <> 0 LOOP
                fn := fn >> 1;
                sn := sn >> 1;
            END LOOP;
        ELSE
            sr := pg_temp.node(sr, c);
        END IF;
        fn := fn >> 1;
        sn := sn >> 1;
    END LOOP;
    RETURN fr = first_hash AND sr = second_hash AND sn = 0;
END
$$;

-- the roots are those of the entries' bytes
CREATE FUNCTION pg_temp.root(size bigint) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT pg_temp.mth(array_agg(sha256('\x00'::bytea || devapp.audit_entry(e)) ORDER BY l.leaf_index))
      FROM devapp.audit_leaf l JOIN devapp.audit_event e USING (event_id) WHERE l.leaf_index < size
$$;
SELECT pg_temp.root(:a_tree_size) = :'a_root' AS first, pg_temp.root(:b_tree_size) = :'b_root' AS second;

-- leaves all over the smaller and the larger tree; all leaves of small ones
SELECT count(*) > 0 AS some, bool_and(p.root = c.root) AS roots, bool_and(pg_temp.inclusion(p.leaf_hash, p.leaf_index, p.tree_size, p.path, p.root)) AS proved,
       bool_and(devapp.check_audit_proof(p.leaf_hash, p.leaf_index, p.tree_size, p.path, p.root)) AS checked
  FROM devapp.audit_checkpoint c JOIN devapp.audit_leaf l ON l.leaf_index < c.tree_size AND (l.leaf_index % 11 = 0 OR l.leaf_index > c.tree_size - 5),
       devapp.audit_proof(l.event_id, c.tree_size) AS p;
SELECT count(*) AS proofs, bool_and(pg_temp.inclusion(p.leaf_hash, p.leaf_index, p.tree_size, p.path, pg_temp.root(size))) AS proved
  FROM generate_series(1, 9) AS size JOIN devapp.audit_leaf l ON l.leaf_index < size, devapp.audit_proof(l.event_id, size) AS p;
SELECT leaf_index = :a_tree_size - 1 AS last_of_the_first, tree_size = :b_tree_size AS latest FROM devapp.audit_proof(:first_event);

-- the second tree begins as the first; so does one of any size
SELECT pg_temp.consistency(:a_tree_size, :'a_root', :b_tree_size, :'b_root', devapp.audit_consistency(:a_tree_size, :b_tree_size)) AS proved,
       devapp.check_audit_consistency(:a_tree_size, :'a_root', :b_tree_size, :'b_root', devapp.audit_consistency(:a_tree_size, :b_tree_size)) AS checked;
SELECT count(*) AS proofs, bool_and(pg_temp.consistency(a, pg_temp.root(a), b, pg_temp.root(b), devapp.audit_consistency(a, b))) AS proved
  FROM generate_series(1, 9) AS b, generate_series(1, b - 1) AS a;
SELECT devapp.audit_consistency(:b_tree_size, :b_tree_size);

-- a proof of something else, or of nothing, is none
SELECT devapp.check_audit_proof(leaf_hash, leaf_index + 1, tree_size, path, root), devapp.check_audit_proof(root, leaf_index, tree_size, path, root),
       devapp.check_audit_proof(leaf_hash, leaf_index, tree_size, path, leaf_hash), devapp.check_audit_proof(leaf_hash, leaf_index, tree_size, path[2:], root),
       devapp.check_audit_proof(leaf_hash, leaf_index, tree_size, '{NULL}', root), devapp.check_audit_proof(leaf_hash, leaf_index, tree_size, '{abc}', root),
       devapp.check_audit_proof('', leaf_index, tree_size, path, root), devapp.check_audit_proof(leaf_hash, -1, tree_size, path, root),
       devapp.check_audit_proof(leaf_hash, leaf_index, -1, path, root), devapp.check_audit_proof(leaf_hash, leaf_index, tree_size, array_fill(root, ARRAY[66]), root),
       devapp.check_audit_proof(leaf_hash, leaf_index, tree_size, ARRAY[path, path], root)
  FROM devapp.audit_proof(:first_event);
SELECT devapp.check_audit_consistency(:b_tree_size, :'b_root', :a_tree_size, :'a_root', path), devapp.check_audit_consistency(:a_tree_size, :'b_root', :b_tree_size, :'b_root', path),
       devapp.check_audit_consistency(:a_tree_size, :'a_root', :b_tree_size, :'b_root', '{}'), devapp.check_audit_consistency(0, :'a_root', :b_tree_size, :'b_root', path),
       devapp.check_audit_consistency(-1, :'a_root', :b_tree_size, :'b_root', path), devapp.check_audit_consistency(:b_tree_size, :'b_root', :b_tree_size, :'b_root', '{}') AS same
  FROM devapp.audit_consistency(:a_tree_size, :b_tree_size) AS path;

-- ---------- bad input ----------

SELECT devapp.audit_proof(-1);
SELECT devapp.audit_proof(NULL);
\set VERBOSITY sqlstate
SELECT devapp.audit_proof(:first_event, :a_tree_size - 1);
SELECT devapp.audit_proof(:first_event, :b_tree_size + 1);
SELECT devapp.audit_proof(:first_event, 0);
SELECT devapp.audit_consistency(0, 1);
SELECT devapp.audit_consistency(2, 1);
SELECT devapp.audit_consistency(-1, 1);
SELECT devapp.audit_consistency(1, :b_tree_size + 1);
\set VERBOSITY default
SELECT devapp.audit_consistency(2, 1);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT devapp.seal_audit();
ROLLBACK;
BEGIN READ ONLY;
SELECT devapp.seal_audit();
ROLLBACK;

-- ---------- exported checkpoints ----------

SELECT * FROM devapp.verify_audit(:'a_note');
SELECT * FROM devapp.verify_audit(:'b_note');
-- as psql prints it, without its last line ends, with an extension line, with a stranger's signature
SELECT count(*) FROM devapp.verify_audit(:'a_note' || E'\n');
SELECT count(*) FROM devapp.verify_audit(rtrim(:'a_note', E'\n'));
SELECT count(*) FROM devapp.verify_audit(rtrim(:'a_note', E'\n') || E'\nextension\n\n');
SELECT count(*) FROM devapp.verify_audit(:'a_note' || E'— witness AAAA\n');
SELECT count(*) FROM devapp.verify_audit(E'devapp\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n');
-- of another log
SELECT problem, event_id, leaf_index FROM devapp.verify_audit(E'devapp\n0\n' || encode(:'a_root', 'base64') || E'\n\n');
SELECT problem, event_id, leaf_index FROM devapp.verify_audit(replace(:'a_note', encode(:'a_root', 'base64'), encode(:'b_root', 'base64')));
SELECT problem, event_id, leaf_index = :b_tree_size AS at_the_end FROM devapp.verify_audit(E'devapp\n' || :b_tree_size + 1 || E'\n' || encode(:'b_root', 'base64') || E'\n\n');
-- none at all
CREATE FUNCTION pg_temp.refusal(note text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    PERFORM devapp.verify_audit(note);
    RETURN 'accepted';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
    RETURN said;
END
$$;
SELECT n, pg_temp.refusal(note) FROM unnest(ARRAY['', 'devapp', E'devapp\n', E'dev app\n1\n', E'dev+app\n1\n', E'\n1\n', repeat('x', 65) || E'\n1\n', E'ä\n1\n',
    E'devapp\n\n', E'devapp\n01\n', E'devapp\n-1\n', E'devapp\n1 \n', E'devapp\n9223372036854775808\n', E'devapp\n99999999999999999999\n',
    E'devapp\n1\n', E'devapp\n1\nAAAA\n\n', E'devapp\n1\n' || repeat('A', 44) || E'\n\n', E'devapp\n1\n' || repeat('A', 43) || E'=\r\n\n',
    E'devapp\n1\n' || repeat('A', 42) || E'B=\n\n',
    E'devapp\n1\n' || repeat('A', 43) || E'=\n\nx', E'devapp\n1\n' || repeat('A', 43) || E'=\n\n— devapp', E'devapp\n1\n' || repeat('A', 43) || E'=\n\n— devapp \n',
    E'devapp\n1\n' || repeat('A', 43) || E'=\n\n— devapp AAAA\n\n— devapp AAAA\n']) WITH ORDINALITY AS x(note, n);
SELECT devapp.verify_audit('no checkpoint');

-- ---------- the log stays as it is ----------

UPDATE devapp.audit_leaf SET leaf_hash = '\x00' WHERE leaf_index = 0;
DELETE FROM devapp.audit_leaf;
TRUNCATE devapp.audit_leaf;
DELETE FROM devapp.audit_node;
UPDATE devapp.audit_checkpoint SET xmin_at_seal = '3';
DELETE FROM devapp.audit_checkpoint;
TRUNCATE devapp.audit_checkpoint;
SELECT has_table_privilege('public', t, 'INSERT, UPDATE, DELETE, TRUNCATE') FROM unnest('{devapp.audit_leaf,devapp.audit_node,devapp.audit_checkpoint}'::regclass[]) AS t;
SELECT * FROM devapp.verify_audit();

-- ---------- what proofs say of a log that was altered ----------

SELECT min(event_id) AS one, max(event_id) AS other FROM devapp.audit_leaf WHERE leaf_index < 2 \gset
CREATE FUNCTION pg_temp.after(statement text, question text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE statement;
    EXECUTE question;
    RAISE EXCEPTION 'answered' USING DETAIL = 'It was answered.';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, said);
END
$$;
SELECT what, pg_temp.after(statement, question) FROM (VALUES
    ('no SHA-256', 'UPDATE devapp.audit_leaf SET leaf_hash = ''\x00'' WHERE leaf_index = 0', 'SELECT devapp.audit_proof(' || :one || ')'),
    ('no SHA-256 beside it', 'UPDATE devapp.audit_leaf SET leaf_hash = ''\x00'' WHERE leaf_index = 1', 'SELECT devapp.audit_proof(' || :one || ')'),
    ('none beside it', 'DELETE FROM devapp.audit_leaf WHERE leaf_index = 1', 'SELECT devapp.audit_proof(' || :one || ')'),
    ('none', 'DELETE FROM devapp.audit_leaf WHERE leaf_index = 0', 'SELECT devapp.audit_proof(' || :one || ')'),
    ('a root', 'UPDATE devapp.audit_checkpoint SET root = ''\x00''', 'SELECT devapp.seal_audit()'),
    ('an event', 'SET LOCAL session_replication_role = origin; SELECT devapp.create_product(''sealed-bad''); SET LOCAL session_replication_role = replica;
        UPDATE devapp.audit_event SET leaf_hash = ''\x00'' WHERE event_id = (SELECT max(event_id) FROM devapp.audit_event)', 'SELECT devapp.seal_audit()')
) AS t(what, statement, question);
