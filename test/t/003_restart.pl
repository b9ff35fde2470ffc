# Keys outlive a restart and a crash; what was not committed does not.  The library
# works loaded at server start and without, and doctor() says which.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my $node = start_server('main');
make_program($node);

# verify_key, and verify_digest, which goes by another index
sub both_codes
{
	my ($key) = @_;

	return $node->safe_psql('postgres',
		"SELECT (devapp.verify_key('$key', $Devapp::CALL)).code,
			(devapp.verify_digest(sha256('$key'), $Devapp::CALL)).code");
}

# Make some keys, take the server down the given way, and look at them again.
sub survives
{
	my ($how, $stop) = @_;
	my $kept = create_app($node, "kept $how");
	my $revoked = create_app($node, "revoked $how");
	my $old = create_app($node, "rotated $how");
	my $new = rotate($node, $old->{credential_id}, '1 hour');
	my $open = $node->background_psql('postgres', on_error_stop => 0);

	$node->safe_psql('postgres',
		"SELECT devapp.complete_rotation('$old->{credential_id}');
		SELECT devapp.revoke_credential('$revoked->{credential_id}')");
	$open->query_safe('BEGIN');
	my $lost = $open->query_safe(
		"SELECT secret FROM devapp.create_app('lost $how', 'ada\@example.com',
			products => '{weather}')");
	is($open->query_safe(key_codes($lost)), 'VALID', "$how: uncommitted key");

	$stop->();
	is(both_codes($kept->{secret}), 'VALID|VALID', "$how: a key survives");
	is(both_codes($new->{secret}), 'VALID|VALID', "$how: a rotated one too");
	is(both_codes($old->{secret}),
		'SUPERSEDED|SUPERSEDED', "$how: the old secret stays superseded");
	is(both_codes($revoked->{secret}),
		'CREDENTIAL_REVOKED|CREDENTIAL_REVOKED', "$how: a revocation survives");
	is(both_codes($lost), 'NOT_FOUND|NOT_FOUND',
		"$how: what was not committed is gone");
	is(both_codes(create_app($node, "lost $how")->{secret}),
		'VALID|VALID', "$how: its name is free, and a new key works");
	eval { $open->quit };
	return;
}

sub crash
{
	$node->stop('immediate');
	$node->start;
	return;
}

is(doctor($node, 'preload'),
	'info|loaded by each backend at its first call', 'doctor: not preloaded');
is(doctor($node, 'dpop'), 'info|every DPoP proof is refused: there is no shared memory to remember used ones', 'doctor: so no proof is taken');
survives('restart', sub { $node->restart });
survives('crash', \&crash);

my $before = create_app($node, 'before preload');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'devapp'");
$node->restart;
is(doctor($node, 'preload'), 'ok|loaded at server start', 'doctor: preloaded');
is(doctor($node, 'dpop'), 'ok|used DPoP proofs are remembered', 'doctor: so proofs are taken');
is(both_codes($before->{secret}), 'VALID|VALID',
	'a key from before the preload works');
survives('preloaded restart', sub { $node->restart });
survives('preloaded crash', \&crash);

my $during = create_app($node, 'during preload');
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
is(doctor($node, 'preload'),
	'info|loaded by each backend at its first call', 'doctor: no longer preloaded');
is(both_codes($during->{secret}), 'VALID|VALID',
	'a key from under the preload works');

done_testing();
