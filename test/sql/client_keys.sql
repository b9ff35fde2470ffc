-- The keys with which OAuth clients prove themselves: registered, replaced, refused.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('keys@example.com');
SELECT FROM devapp.create_product('keys');
SELECT credential_id, consumer_key FROM devapp.create_app('client', developer => 'keys@example.com', products => '{keys}', kind => 'oauth_client') \gset
SELECT credential_id AS api_key FROM devapp.create_app('key', developer => 'keys@example.com', products => '{keys}') \gset
\set okp '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
\set ec '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"ec"}'

-- a key without a kid has its thumbprint; what devapp does not know of a key is left out
SELECT kid, alg, jwk FROM devapp.set_client_keys(:'consumer_key', format('{"keys":[%s,%s]}', :'okp', :'ec')::jsonb) ORDER BY alg;
SELECT kid, jwk FROM devapp.set_client_keys(:'consumer_key', jsonb_build_object('keys', jsonb_build_array(:'ec'::jsonb || '{"x5c":["abc"],"use":"sig"}'))) ORDER BY kid;
-- a key that stays keeps its row; one of the same name that is another one does not
SELECT xmin AS before FROM devapp.client_key WHERE kid = 'ec' \gset
SELECT kid, alg FROM devapp.set_client_keys(:'consumer_key', format('{"keys":[%s,%s]}', :'ec', :'okp')::jsonb, note => 'overlap') ORDER BY alg;
SELECT xmin = :'before'::xid AS same FROM devapp.client_key WHERE kid = 'ec';
SELECT kid, alg FROM devapp.set_client_keys(:'consumer_key', jsonb_build_object('keys', jsonb_build_array(:'okp'::jsonb || '{"kid":"ec"}')));
-- none
SELECT count(*) FROM devapp.set_client_keys(:'consumer_key', '{"keys":[]}');

-- what is refused, and no key is shown
SELECT FROM devapp.set_client_keys(:'consumer_key', NULL);
SELECT FROM devapp.set_client_keys(:'consumer_key', '[]');
SELECT FROM devapp.set_client_keys(:'consumer_key', '{"keys":{}}');
SELECT FROM devapp.set_client_keys(:'consumer_key', '{"keys":[1]}');
SELECT FROM devapp.set_client_keys(:'consumer_key', :'okp');
SELECT FROM devapp.set_client_keys(:'consumer_key', jsonb_build_object('keys', (SELECT jsonb_agg(:'okp'::jsonb || jsonb_build_object('kid', i::text)) FROM generate_series(1, 17) AS i)));
SELECT FROM devapp.set_client_keys(:'consumer_key', format('{"keys":[%s,%s]}', :'ec', :'okp'::jsonb || '{"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}')::jsonb);
SELECT FROM devapp.set_client_keys(:'consumer_key', '{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}');
SELECT FROM devapp.set_client_keys(:'consumer_key', '{"keys":[{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}');
SELECT FROM devapp.set_client_keys(:'consumer_key', jsonb_build_object('keys', jsonb_build_array(:'ec'::jsonb || '{"use":"enc"}')));
SELECT FROM devapp.set_client_keys(:'consumer_key', jsonb_build_object('keys', jsonb_build_array(:'ec'::jsonb || '{"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"}')));
SELECT FROM devapp.set_client_keys(:'consumer_key', jsonb_build_object('keys', jsonb_build_array(:'ec'::jsonb || '{"kid":"tab\t"}')));
SELECT FROM devapp.set_client_keys(:'consumer_key', format('{"keys":[%s,%s]}', :'ec', :'okp'::jsonb || '{"kid":"ec"}')::jsonb);
SELECT FROM devapp.set_client_keys(:'consumer_key', format('{"keys":[%s,%s]}', :'okp', :'okp')::jsonb);
SELECT FROM devapp.set_client_keys('nobody', '{"keys":[]}');
\set VERBOSITY sqlstate
SELECT FROM devapp.set_client_keys(:'api_key', format('{"keys":[%s]}', :'okp')::jsonb);
\set VERBOSITY default

-- it is recorded
SELECT e.action, e.entity_id = :'credential_id' || '/ec' AS is_ec, e.app_id = c.app_id AS has_app, e.note, count(*)
  FROM devapp.audit_event e, devapp.credential c
 WHERE e.entity = 'client_key' AND c.credential_id = :'credential_id' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
SELECT h.what, h.note FROM devapp.app_history('keys@example.com/client') AS h WHERE h.what LIKE '%client key%' ORDER BY h.occurred_at, h.what LIMIT 2;
