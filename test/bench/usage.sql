-- One interval of a busy provider: 100,000 apps that each call 10 products.  On a
-- database that setup.sql filled.
\set ON_ERROR_STOP on
SELECT FROM generate_series(0, 9) AS i, devapp.create_product('part' || i), devapp.add_operation('part' || i, '/part' || i || '/**') \g /dev/null
SET session_replication_role = replica;
INSERT INTO devapp.credential_product (credential_id, product_id, status)
SELECT c.credential_id, p.product_id, 'approved'
  FROM devapp.credential c, devapp.product p
 WHERE p.name LIKE 'part_';
RESET session_replication_role;
SELECT FROM devapp_internal.rebuild_packed_rows() \g /dev/null
VACUUM ANALYZE devapp.credential_product;
