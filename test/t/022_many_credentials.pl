# A developer with very many credentials: what a new one reads does not depend on how many
# others are associated with its product, and what a verification reads not on how many the app has.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my $node = start_server('many', "autovacuum = off\ndevapp.max_credentials_per_app = 1000");
make_program($node);
$node->safe_psql('postgres', q{
	SELECT FROM devapp.setup_roles();
	SELECT FROM devapp.create_developer('bob@example.com');
	CREATE TABLE shop AS SELECT app_id, secret FROM devapp.create_app('shop', 'ada@example.com', products => '{weather}');
	CREATE TABLE other AS SELECT app_id, secret FROM devapp.create_app('other', 'bob@example.com', products => '{weather}');
	GRANT SELECT ON shop, other TO devapp_developer;});

# Rows of associations that a statement of a developer reads.
sub rows_read
{
	my ($person, $sql) = @_;

	return (split /\n/, $node->safe_psql('postgres', qq{
		BEGIN;
		SET LOCAL request.jwt.claims = '{"email": "$person", "email_verified": true}';
		SET LOCAL ROLE devapp_developer;
		$sql;
		RESET ROLE;
		SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'devapp.credential_product'::regclass;
		COMMIT;}))[-1];
}

rows_read('ada@example.com', q{SELECT count(devapp.issue_credential(app_id, products => '{weather}')) FROM shop, generate_series(1, 400)});
is($node->safe_psql('postgres', 'SELECT count(*) FROM devapp.credential_product'), 402, 'there are many credentials');
for my $case ([ 'the same app', 'ada@example.com', 'shop', 1000 ], [ 'an app with one other', 'bob@example.com', 'other', 30 ])
{
	my ($name, $person, $table, $most) = @$case;

	cmp_ok(rows_read($person, "SELECT count(devapp.issue_credential(app_id, products => '{weather}')) FROM $table"), '<', $most, "$name: few rows are read");
}

# The first verification of a key in a session reads as much, however many others its app has.
sub first_touch
{
	my ($table) = @_;

	return $node->safe_psql('postgres', qq{
		BEGIN;
		SELECT code FROM devapp.verify_key((SELECT secret FROM $table));
		SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables WHERE schemaname IN ('devapp', 'devapp_internal');
		COMMIT;});
}
my $few = first_touch('other');
like($few, qr/^VALID\n[1-9]\d?$/, 'a first touch reads some rows');
is(first_touch('shop'), $few, 'and no more where the app has hundreds of credentials');
done_testing();
