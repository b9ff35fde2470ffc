# Settings of a session, a role or a database that change how text is read and written change
# nothing of what devapp does.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my $node = start_server('main');
my %settings = (quote_all_identifiers => 'on', extra_float_digits => '-15', bytea_output => 'escape', DateStyle => "'German'", IntervalStyle => 'iso_8601');
# from 19 on backslashes are plain
@settings{qw(standard_conforming_strings escape_string_warning)} = ('off', 'off') if $node->pg_version < '19devel';

$node->safe_psql('postgres', join ';', 'CREATE DATABASE plain; CREATE DATABASE odd', map { "ALTER DATABASE odd SET $_ = $settings{$_}" } sort keys %settings);

# What CREATE EXTENSION made of the script, as it is where the settings are what they usually are.
my $made = q{SET quote_all_identifiers = off; SET standard_conforming_strings = on; SET extra_float_digits = 1; SET bytea_output = hex; SET DateStyle = ISO; SET IntervalStyle = postgres;
	SELECT string_agg(x.object || ' ' || md5(x.definition), E'\n' ORDER BY x.object COLLATE "C")
	  FROM (SELECT 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace::regnamespace::text ~ '^devapp' AND p.prokind <> 'a'
	         UNION ALL
	        SELECT 'view ' || c.oid::regclass, pg_get_viewdef(c.oid) FROM pg_class c WHERE c.relnamespace::regnamespace::text ~ '^devapp' AND c.relkind IN ('v', 'm')
	         UNION ALL
	        SELECT 'constraint ' || c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c WHERE c.connamespace::regnamespace::text ~ '^devapp'
	         UNION ALL
	        SELECT 'grant ' || d.object, string_agg(d.privileges || d.role, ' ' ORDER BY d.privileges, d.role) FROM devapp_internal.declared_grant d GROUP BY d.object) AS x(object, definition)};
$node->safe_psql($_, 'SET client_min_messages = warning; CREATE EXTENSION devapp CASCADE; SELECT devapp.setup_roles()') for qw(plain odd);
same_lines($node->safe_psql('odd', $made), $node->safe_psql('plain', $made), 'every object is what it is elsewhere');
is(doctor($node, 'roles', db => 'odd'), 'ok|all roles exist and have their privileges, and all tables have policies', 'doctor() finds the privileges');

# A product from a document with templates, and a key for it.
is( $node->safe_psql('odd', q{SELECT FROM devapp.create_product('shop') \g /dev/null
		SELECT devapp.import_openapi('shop', '{"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": {"/orders/{id}": {"get": {}}}}') IS NOT NULL;
		SELECT resource, methods FROM devapp.product_operation}), "t\n/orders/{id}|{GET}", 'import_openapi() reads its paths');

# Nothing of an erased person is left.
$node->safe_psql('odd', q{SELECT FROM devapp.create_product('manual', approval => 'manual', rate_limit => 1234567.891);
	SELECT FROM devapp.create_developer('mallory+1@x.example');
	SELECT FROM devapp.create_app('gone', 'mallory+1@x.example', '{manual}');
	SELECT FROM devapp.delete_app('mallory+1@x.example/gone');
	SELECT FROM devapp.delete_developer('mallory+1@x.example')});
my $left = q{SELECT count(*) > 0 FROM devapp.notification n WHERE n::text ~ 'mallory'};
is($node->safe_psql('odd', $left), 't', 'a notification has the address');
$node->safe_psql('odd', q{SELECT FROM devapp.erase_developer('mallory+1@x.example', 'asked')});
is($node->safe_psql('odd', $left), 'f', 'until the person is erased');
is($node->safe_psql('odd', q{SELECT count(*) FROM devapp.audit_event e WHERE e::text ~ 'mallory'}), 0, 'nor has the trail');
is($node->safe_psql('odd', q{SELECT after ->> 'rate_limit' FROM devapp.audit_event WHERE entity = 'product' AND after ->> 'name' = 'manual'}), '1234567.891', 'which has numbers as they are');
is($node->safe_psql('odd', 'SELECT * FROM devapp.seal_audit() \g /dev/null
	SELECT count(*) FROM devapp.verify_audit()'), 0, 'and is sealed');
is($node->safe_psql('odd', 'SHOW standard_conforming_strings'), $node->pg_version < '19devel' ? 'off' : 'on', 'the session has its setting again');

done_testing();
