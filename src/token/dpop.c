/*
 * dpop.c
 *		Proofs of possession: each is good once.
 *
 * What a proof says is checked by dpop_core.c.  Those that were good are remembered in
 * shared memory (shared_table.c) until they are too old, so that no second call can use
 * one, in whatever backend, transaction or database role.  A server remembers for itself:
 * a standby does not know what its primary has seen.
 *
 * Where there is no shared memory, or no room in it, a proof is refused: it could be one
 * that was used.  When a stripe is half full one key may have no more than its share of
 * it, so that one client can't lock out the others.
 *
 * Locks: one of each stripe.  Nobody holds two of them, or another lock of devapp together
 * with one of them.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/shared_table.h"
#include "base/sodium.h"
#include "token/base64url_core.h"
#include "token/dpop.h"
#include "token/dpop_core.h"

#define SWEEP_INTERVAL	USECS_PER_SEC	/* between two looks for what is too old */
#define KEY_SHARE		16		/* one key may have a 16th of a stripe that is half full */

/* ---------- settings ---------- */

static int	dpop_size = 8192;	/* kB */
static char *dpop_origins = NULL;

static bool
check_dpop_origins(char **newval, void **extra, GucSource source)
{
	if (dpop_origins_are_valid((Str) {*newval, strlen(*newval)}))
		return true;
	GUC_check_errdetail("An origin is written like \"https://api.example.com\", or with a port; several are separated by commas.");
	return false;
}

/* The size is fixed at server start; loaded later there is nothing to size. */
void
dpop_define_gucs(void)
{
	DefineCustomIntVariable("devapp.dpop_size",
							"Sets the amount of shared memory for used DPoP proofs.",
							NULL,
							&dpop_size,
							8192, 1024, 16 * 1024 * 1024,
							process_shared_preload_libraries_in_progress ?
							PGC_POSTMASTER : PGC_SIGHUP,
							GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomStringVariable("devapp.dpop_origins",
							   "Sets the origins that the URI of a DPoP proof may have.",
							   "A comma-separated list. If empty, every origin is accepted.",
							   &dpop_origins,
							   "",
							   PGC_SUSET, 0, check_dpop_origins, NULL, NULL);
}

/* ---------- the table ---------- */

typedef struct SeenKey
{
	uint8		digest[DPOP_DIGEST_LEN];
	Oid			database;
	uint32		zero;			/* no padding, see slot_table_core.h */
} SeenKey;

typedef struct SeenProof
{
	SeenKey		key;
	int64		until;			/* microseconds since 1970 */
	uint64		owner;			/* of the thumbprint of its key */
} SeenProof;

static const SlotLayout layout = {sizeof(SeenKey), sizeof(SeenProof)};

static size_t
seen_stripe_size(uint32_t nslots)
{
	return slot_table_size(layout, nslots);
}

static SharedTable table = {
	.name = "devapp dpop",
	.kilobytes = &dpop_size,
	.stripe_size = seen_stripe_size
};

/* Called by _PG_init() in the postmaster. */
void
dpop_init(void)
{
	shared_table_add(&table);
}

/* Remove what is too old, but not again within a second.  True if there is room. */
static bool
sweep_stripe(SlotTable *stripe, int64 now)
{
	if (stripe->used < stripe->limit)
		return true;
	if (stripe->swept_at <= now && stripe->swept_at > now - SWEEP_INTERVAL)
		return false;
	stripe->swept_at = now;
	for (uint32 i = 0; i < stripe->nslots; i++)
	{
		/* another may come into its place */
		while (slot_table_tags(stripe)[i] != 0 &&
			   ((SeenProof *) slot_table_at(layout, stripe, i))->until < now)
			slot_table_remove(layout, stripe, i);
	}
	return stripe->used < stripe->limit;
}

/* May a key have one more proof here? */
static bool
has_share_left(SlotTable *stripe, uint64 owner, int64 now)
{
	uint32		share = Max(stripe->limit / KEY_SHARE, 1);
	uint32		have = 0;
	uint32		place = 0;
	const SeenProof *seen;

	if (stripe->used < stripe->limit / 2)
		return true;
	while (have < share && (seen = slot_table_next(layout, stripe, &place)) != NULL)
		have += seen->owner == owner && seen->until >= now;
	return have < share;
}

/* Under the exclusive lock. */
static bool
add_proof(SlotTable *stripe, uint64 hash, const SeenProof *proof, int64 now)
{
	SeenProof  *slot;

	if (slot_table_find(layout, stripe, hash, &proof->key) != NULL ||
		!sweep_stripe(stripe, now) || !has_share_left(stripe, proof->owner, now))
		return false;
	slot = slot_table_add(layout, stripe, hash, &proof->key);
	if (slot == NULL)
		return false;
	slot->until = proof->until;
	slot->owner = proof->owner;
	return true;
}

/* Remember a proof; false if it is there already, or there is no room. */
static bool
remember_proof(const DpopSeen *seen, int64 now)
{
	SeenProof	proof = {.until = seen->until, .key.database = MyDatabaseId};
	uint64		hash;
	int			number;
	bool		is_new;

	memcpy(proof.key.digest, seen->digest, sizeof(proof.key.digest));
	memcpy(&proof.owner, seen->jkt, sizeof(proof.owner));
	hash = slot_table_hash(layout, &proof.key, &table.memory->seed);
	number = shared_table_number(hash);

	LWLockAcquire(shared_table_lock(&table, number), LW_EXCLUSIVE);
	is_new = add_proof(shared_table_stripe(&table, number), hash, &proof, now);
	LWLockRelease(shared_table_lock(&table, number));
	return is_new;
}

/* ---------- for callers ---------- */

/* Is the proof good for the call, and was it not used before? */
static bool
use_proof(Str proof, DpopCall *call, DpopSeen *seen)
{
	if (table.memory == NULL || proof.data == NULL)
		return false;
	devapp_require_sodium();
	call->origins = (Str) {dpop_origins, strlen(dpop_origins)};
	return dpop_check(proof, call, seen) && remember_proof(seen, call->now);
}

bool
dpop_proof_is_good(Str proof, Str token, Str method, Str resource, const uint8 *jkt,
				   TimestampTz now)
{
	DpopCall	call = {
		.token = token,
		.method = method,
		.resource = resource,
		.jkt = jkt,
		.now = unix_micros(now)
	};
	DpopSeen	seen;

	return token.data != NULL && use_proof(proof, &call, &seen);
}

bool
dpop_proof_thumbprint(Str proof, Str token, Str method, Str resource, uint8 *thumbprint,
					  TimestampTz now)
{
	DpopCall	call = {
		.token = token,
		.method = method,
		.resource = resource,
		.now = unix_micros(now)
	};
	DpopSeen	seen;

	if (!use_proof(proof, &call, &seen))
		return false;
	memcpy(thumbprint, seen.jkt, sizeof(seen.jkt));
	return true;
}

bool
dpop_certificate_is(Str thumbprint, const uint8 *x5t)
{
	uint8		presented[DPOP_DIGEST_LEN];

	return thumbprint.data != NULL &&
		base64url_decode_exactly(thumbprint, presented, sizeof(presented)) &&
		memcmp(presented, x5t, sizeof(presented)) == 0;
}
