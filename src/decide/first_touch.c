/*
 * first_touch.c
 *		The first touch of a credential: what is read of the tables is remembered.
 */
#include "postgres.h"

#include "decide/entitlement.h"
#include "decide/first_touch.h"
#include "key/pepper.h"
#include "table/catalog.h"

/*
 * The result of a load that began at a moment (cache_begin_load).  match is the secret that
 * was presented, or SECRET_NONE or SECRET_UNTESTED; only what matched is remembered.
 */
CacheFound
first_touch_keep(const CacheTag *tag, const Entitlement *e, int match, uint64 loaded_at)
{
	CacheFound	found = {.untested = match == SECRET_UNTESTED};

	if (match >= 0)
	{
		found.entitlement = e;
		found.secret = &e->load->secrets[match].window;
		cache_keep(tag, e, found.secret, loaded_at);
	}
	return found;
}

/* By the hash of an API key alone, its SHA-256 or another. */
CacheFound
first_touch_by_hash(const CacheTag *tag, SecretScheme scheme, const uint8 *hash)
{
	uint64		loaded_at = cache_begin_load();
	Snapshot	snapshot = catalog_take_snapshot();
	Entitlement *e = entitlement_by_hash(scheme, hash, snapshot, cache_product);
	int			match = SECRET_NONE;

	catalog_release_snapshot(snapshot);
	if (e != NULL)
		match = entitlement_match_secret(e, PURPOSE_API_KEY, scheme, hash);
	else if (!pepper_file_is_usable())
		match = SECRET_UNTESTED;
	return first_touch_keep(tag, e, match, loaded_at);
}
