/*
 * find_foreign.c
 *		Finding the credential of a key or client that another system made.
 *
 * An API key is looked up by its digest, once for each pepper, and a client by its id.  The secret
 * of a client is compared with the fast digests first.  Only if none of them matches, it is compared
 * with the slow hash (slow_hash.c), if the client has one, within the limits of slow_limit.c.  A
 * match is remembered as any verification is.
 */
#include "postgres.h"

#include <sodium.h>

#include "base/sha256_core.h"
#include "decide/cache.h"
#include "decide/entitlement.h"
#include "decide/first_touch.h"
#include "import/find_foreign.h"
#include "import/foreign_key.h"
#include "import/sha512_256_core.h"
#include "import/slow_hash.h"
#include "import/slow_limit.h"
#include "table/catalog.h"

/* A client is remembered under its id and secret, joined so that no other two make the same bytes. */
void
foreign_client_tag(Str client_id, Str client_secret, CacheTag *tag)
{
	uint32		id_len = (uint32) client_id.len;
	size_t		len = sizeof(id_len) + client_id.len + client_secret.len;
	char	   *joined = palloc(len);

	memcpy(joined, &id_len, sizeof(id_len));
	memcpy(joined + sizeof(id_len), client_id.data, client_id.len);
	memcpy(joined + sizeof(id_len) + client_id.len, client_secret.data, client_secret.len);
	cache_make_tag(CACHE_FOREIGN_CLIENT, joined, len, tag);
	sodium_memzero(joined, len);
	pfree(joined);
}

/* ---------- API keys ---------- */

CacheFound
find_foreign_key(const CacheTag *tag, Str key)
{
	CacheFound	found = {0};
	uint8		hash[SHA256_LEN];

	StaticAssertStmt(SHA512_256_LEN == SHA256_LEN, "both hashes have the same length");
	if (foreign_keys_exist(SECRET_BLAKE2B))
	{
		sha256_of(key.data, key.len, hash);
		found = first_touch_by_hash(tag, SECRET_BLAKE2B, hash);
	}
	if (found.entitlement == NULL && foreign_keys_exist(SECRET_SHA512_256))
	{
		sha512_256(key.data, key.len, hash);
		found = first_touch_by_hash(tag, SECRET_SHA512_256, hash);
	}
	sodium_memzero(hash, sizeof(hash));
	return found;
}

/* ---------- clients ---------- */

/* Which secret with a fast digest is it? */
static int
match_fast(const Entitlement *e, Str secret)
{
	uint8		hash[SHA256_LEN];
	int			match;
	int			other;

	sha256_of(secret.data, secret.len, hash);
	match = entitlement_match_secret(e, PURPOSE_CLIENT_SECRET, SECRET_BLAKE2B, hash);
	if (match < 0)
	{
		sha512_256(secret.data, secret.len, hash);
		other = entitlement_match_secret(e, PURPOSE_CLIENT_SECRET, SECRET_SHA512_256, hash);
		match = other == SECRET_NONE ? match : other;
	}
	sodium_memzero(hash, sizeof(hash));
	return match;
}

/*
 * The secret with a slow hash, or SECRET_NONE.  There is one at most, because a rotation makes a secret
 * of ours.  It counts outside of its validity, too: a secret that was replaced has the verdict SUPERSEDED,
 * whatever its hash.
 */
static int
find_slow(const Entitlement *e)
{
	for (int i = 0; i < e->load->nsecrets; i++)
	{
		if (e->load->secrets[i].slow != NULL && e->load->secrets[i].purpose == PURPOSE_CLIENT_SECRET)
			return i;
	}
	return SECRET_NONE;
}

/* Which secret with a slow hash is it?  SECRET_UNTESTED: the hash may not be computed now. */
static int
match_slow(const Entitlement *e, Str secret, TimestampTz now, int64 *wait)
{
	int			slow = find_slow(e);
	const EntitlementSecret *s;
	bool		same;

	if (slow < 0)
		return SECRET_NONE;
	s = &e->load->secrets[slow];
	if (slow_hash_state(s->digest.scheme, (Str) {s->slow, strlen(s->slow)}) != SLOW_HASH_READY ||
		!slow_limit_enter(&e->credential_id, now, wait))
		return SECRET_UNTESTED;
	same = slow_hash_matches(s->digest.scheme, s->slow, secret);
	slow_limit_leave(&e->credential_id, !same);
	*wait = 0;
	return same ? slow : SECRET_NONE;
}

/*
 * Which secret of a client is it?  SECRET_UNTESTED: that cannot be told now; then *wait is in
 * how many microseconds to ask again, or 0.
 */
int
find_client_secret(const Entitlement *e, Str secret, TimestampTz now, int64 *wait)
{
	int			match = match_fast(e, secret);

	*wait = 0;
	return match == SECRET_NONE ? match_slow(e, secret, now, wait) : match;
}

CacheFound
find_foreign_client(const CacheTag *tag, Str client_id, Str client_secret, TimestampTz now)
{
	uint64		loaded_at = cache_begin_load();
	Snapshot	snapshot = catalog_take_snapshot();
	Entitlement *e = entitlement_by_key(client_id.data, client_id.len, snapshot, cache_product);
	int			match = SECRET_NONE;
	int64		wait = 0;
	CacheFound	found;

	catalog_release_snapshot(snapshot);
	if (e != NULL)
		match = find_client_secret(e, client_secret, now, &wait);
	found = first_touch_keep(tag, e, match, loaded_at);
	found.wait = wait;
	return found;
}
