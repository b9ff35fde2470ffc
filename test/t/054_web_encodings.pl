# Requests over HTTP where the database is not in UTF-8: what is sent and answered is.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');

# ask(database, method, path, query, content type, body in hex): status and body, in hex what is not ASCII
sub ask
{
	my ($db, $method, $path, $query, $type, $body) = (@_, '', '');
	my $headers = $type ? qq({"Content-Type": "$type"}) : '{}';

	return $node->safe_psql($db, "SELECT status, encode(body, 'escape') FROM devapp_api.handle('$method', '$path', '$query', '$headers', '\\x$body')");
}
my $json = 'application/json';
my %escaped = ('"\u00e4"' => '225c753030653422', '"\u0041\\u00e4"' => '225c75303034315c5c753030653422', '"\ud83d\ude00"' => '225c75643833645c756465303022');
sub body_of { my ($value) = @_; return '7b2261223a' . $value . '7d' }

for my $db (qw(latin1 euc_jp sql_ascii))
{
	my $is_ascii = $db eq 'sql_ascii';

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0 ENCODING '$db' LOCALE 'C'");
	$node->safe_psql($db, q{SET client_min_messages = warning; CREATE EXTENSION devapp CASCADE;
		CREATE FUNCTION devapp_internal.test_echo(request devapp_internal.http_request) RETURNS devapp_internal.http_response LANGUAGE sql
			RETURN devapp_internal.json_response(200, jsonb_build_object('n', request.params -> 'name', 'q', request.query -> 'q', 'a', coalesce(request.body, request.form) -> 'a'));
		CREATE FUNCTION devapp_internal.test_refuse(request devapp_internal.http_request) RETURNS devapp_internal.http_response LANGUAGE plpgsql
			AS $$ BEGIN RAISE EXCEPTION 'not %', request.params ->> 'name' USING ERRCODE = 'invalid_parameter_value'; END $$;
		CREATE FUNCTION devapp_internal.test_bytes(request devapp_internal.http_request) RETURNS devapp_internal.http_response LANGUAGE plpgsql
			AS $$ BEGIN
				IF request.params ->> 'what' = 'error' THEN
					RAISE EXCEPTION 'not %', E'\xf5\xa1' USING ERRCODE = 'invalid_parameter_value';
				END IF;
				RETURN devapp_internal.json_response(200, jsonb_build_object('a', E'\xf5\xa1'));
			END $$;
		SELECT FROM devapp_internal.add_route('GET', '/bytes/{what}', 'devapp_internal.test_bytes', 'nothing', 'devapp');
		SELECT FROM devapp_internal.add_route('POST', '/test/{name}', 'devapp_internal.test_echo', 'nothing', 'devapp');
		SELECT FROM devapp_internal.add_route('GET', '/test/{name}', 'devapp_internal.test_refuse', 'nothing', 'devapp')});

	# an umlaut in the path, the query and the body
	is(ask($db, 'POST', '/test/%C3%A4', 'q=%C3%A4', $json, body_of('22c3a422')), '200|{"a": "\303\244", "n": "\303\244", "q": "\303\244"}', "$db: JSON");
	is(ask($db, 'POST', '/test/x', 'q=', 'application/x-www-form-urlencoded', '613d2543332541342bc3a4'), '200|{"a": "\303\244 \303\244", "n": "x", "q": ""}', "$db: a form");
	is(ask($db, 'GET', '/test/%C3%A4', ''), '400|{"error":{"code":"22023","message":"not \303\244"}}', "$db: an error");
	is(ask($db, 'POST', '/test/x', '', $json, body_of('22e422')) =~ s/\|.*//r, 400, "$db: bytes of another encoding than UTF-8");

	# bytes that are no character of UTF-8; they are two of LATIN1
	is(ask($db, 'GET', '/bytes/answer', ''), $db eq 'latin1' ? '200|{"a": "\303\265\302\241"}' : '500|{"error":{"code":"XX000","message":"internal error"}}', "$db: other bytes in an answer");
	is(ask($db, 'GET', '/bytes/error', ''), '400|{"error":{"code":"22023","message":"not ' . ($db eq 'latin1' ? '\303\265\302\241' : '??') . '"}}', "$db: other bytes in an error");

	# escapes of JSON
	is(ask($db, 'POST', '/test/x', '', $json, body_of('225c753030343122')), '200|{"a": "A", "n": "x", "q": null}', "$db: an escape of ASCII");
	is(ask($db, 'POST', '/test/x', '', $json, body_of($escaped{'"\u0041\\u00e4"'})), '200|{"a": "A\\\\\\\\u00e4", "n": "x", "q": null}', "$db: a backslash before a u");
	like(ask($db, 'POST', '/test/x', '', $json, body_of($escaped{'"\u00e4"'})), $is_ascii ? qr/^400\|.*escapes/ : qr/^200\|\{"a": "\\303\\244"/, "$db: an escape of an umlaut");
	like(ask($db, 'POST', '/test/x', '', $json, body_of($escaped{'"\ud83d\ude00"'})), $is_ascii ? qr/^400\|.*escapes/ : qr/^400\|.*"22P05"/, "$db: an escape of what the encoding does not have");

	# characters that the encoding does not have
	is(ask($db, 'POST', '/test/%F0%9F%98%80', '') =~ s/\|.*//r, $is_ascii ? 200 : 400, "$db: another character in the path");
	is(ask($db, 'POST', '/test/x', 'q=%F0%9F%98%80') =~ s/\|.*//r, $is_ascii ? 200 : 400, "$db: in the query");
	is(ask($db, 'POST', '/test/x', '', $json, body_of('22f09f988022')) =~ s/\|.*//r, $is_ascii ? 200 : 400, "$db: in the body");
}

done_testing();
