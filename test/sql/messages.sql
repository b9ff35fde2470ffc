-- Messages name what was given, and hide the secret of a key that was given by mistake.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('messages@example.com');
SELECT app_id AS app FROM devapp.create_app('Shop App', developer => 'messages@example.com') \gset

-- an app and a credential are named by their ids, and a name is none
SELECT devapp.set_attribute(entity => 'app', id => 'Shop App', name => 'a', value => 'b');
SELECT devapp.remove_attribute(entity => 'app', id => '', name => 'a');
SELECT devapp.set_attribute(entity => 'credential', id => 'dvk_live_0123456789ab', name => 'a', value => 'b');
SELECT devapp.set_attribute(entity => 'app', id => NULL, name => 'a', value => 'b');
SELECT devapp.set_attribute(entity => 'app', id => :'app', name => 'a', value => 'b');

-- a word that is not one of those that are possible
SELECT devapp.create_product(name => 'messages', approval => 'sometimes');
SELECT devapp.create_product(name => 'messages', access => '');
SELECT devapp.create_product(name => 'messages', access => 'dvk_live_0123456789ab_0123456789abcdefghijklmnopqrstuvABCDEF');
SELECT count(*) AS products FROM devapp.product WHERE name = 'messages';
