/*
 * verify.c
 *		The functions that a gateway calls: verify_key(), verify_digest(),
 *		verify_client(), allows(), consume_quota().
 *
 * The way of a key: what is remembered of it (cache.c), else shape and checksum
 * (key_core.c), the rows behind it (entitlement.c), its SHA-256 (secret.c) and which
 * version of the secret it is (entitlement.c); the decision (decide_core.c), quota and rate
 * (quota.c), the answer (verdict.c).  Each decision is counted (count.c).
 *
 * No table is written to, so this works in READ ONLY transactions and on a standby;
 * but consume_quota() writes where a quota is hard.
 * No key and no path raises an error: every string has a verdict.  A key whose shape or
 * checksum is wrong ends before any table is opened.  What is longer than a key can be is
 * taken for a token (verify_token.c).
 *
 * What a call allocates lies in one context, which the next call resets; an
 * error in between leaks nothing.
 */
#include "postgres.h"

#include <sodium.h>

#include "utils/timestamp.h"

#include "base/compat.h"
#include "decide/cache.h"
#include "decide/entitlement.h"
#include "decide/verdict.h"
#include "key/key_core.h"
#include "key/pepper.h"
#include "key/secret.h"
#include "quota/quota.h"
#include "table/catalog.h"
#include "verify/arguments.h"
#include "verify/count.h"
#include "verify/judge.h"
#include "verify/verify_token.h"

PG_FUNCTION_INFO_V1(devapp_verify_key);
PG_FUNCTION_INFO_V1(devapp_verify_digest);
PG_FUNCTION_INFO_V1(devapp_verify_client);
PG_FUNCTION_INFO_V1(devapp_allows);
PG_FUNCTION_INFO_V1(devapp_consume_quota);

MemoryContext verification_context = NULL;

/* ---------- verification ---------- */

/* What was presented: a whole key, or the SHA-256 of one. */
typedef struct Presented
{
	SecretPurpose purpose;
	Str			key;
	Str			consumer;		/* the public part of the key */
	const uint8 *sha256;		/* NULL: there is the key */
} Presented;

/* Whoever has no credential is told by the public part of his key alone. */
static int
match_presented(const Presented *presented, const Entitlement *e)
{
	uint8		sha256[SHA256_LEN];
	int			match;

	if (presented->sha256 != NULL)
		return entitlement_match_secret(e, presented->purpose, presented->sha256);
	secret_sha256(presented->key.data, presented->key.len, sha256);
	match = entitlement_match_secret(e, presented->purpose, sha256);
	sodium_memzero(sha256, sizeof(sha256));
	return match;
}

/* The first touch: read the tables. */
static CacheFound
load_entitlement(const CacheTag *tag, const Presented *presented)
{
	uint64		loaded_at = cache_begin_load();
	Snapshot	snapshot = catalog_take_snapshot();
	CacheFound	found = {0};
	int			match = SECRET_NONE;
	Entitlement *e;

	e = presented->sha256 == NULL ?
		entitlement_by_key(presented->consumer.data, presented->consumer.len, snapshot,
						   cache_product) :
		entitlement_by_sha256(presented->sha256, snapshot, cache_product);
	catalog_release_snapshot(snapshot);
	if (e != NULL)
		match = match_presented(presented, e);
	else if (presented->sha256 != NULL && !pepper_file_is_usable())
		match = SECRET_UNTESTED;
	found.untested = match == SECRET_UNTESTED;
	if (match >= 0)
	{
		found.entitlement = e;
		found.secret = &e->load->secrets[match].window;
		cache_keep(tag, e, found.secret, loaded_at);
	}
	return found;
}

/* Verify a whole key, or a client secret, which has the same form. */
static Verdict
verify_presented(Str presented, SecretPurpose purpose,
				 const DecideRequest *request)
{
	ParsedKey	parsed;
	CacheTag	tag;
	CacheFound	found;

	if (presented.data == NULL || presented.len < KEY_MIN ||
		presented.len > KEY_MAX)
		return refused_verdict(VERDICT_MALFORMED);

	/* what is remembered was well formed when it came the first time */
	cache_make_tag(purpose == PURPOSE_API_KEY ? CACHE_API_KEY : CACHE_CLIENT_SECRET,
				   presented.data, presented.len, &tag);
	found = find_remembered(&tag, request->now);
	if (found.entitlement == NULL)
	{
		Presented	key = {.purpose = purpose, .key = presented};

		if (key_parse(presented.data, presented.len, &parsed) != KEY_OK)
			return refused_verdict(VERDICT_MALFORMED);
		key.consumer = (Str) {presented.data, parsed.consumer_len};
		found = load_entitlement(&tag, &key);
	}
	return judge_entitlement(found, request);
}

static Verdict
verify_sha256(Str sha256, const DecideRequest *request)
{
	CacheTag	tag;
	CacheFound	found;

	if (sha256.data == NULL || sha256.len != SHA256_LEN)
		return refused_verdict(VERDICT_MALFORMED);
	cache_make_tag(CACHE_SHA256, sha256.data, sha256.len, &tag);
	found = find_remembered(&tag, request->now);
	if (found.entitlement == NULL)
	{
		Presented	digest = {.purpose = PURPOSE_API_KEY, .sha256 = (const uint8 *) sha256.data};

		found = load_entitlement(&tag, &digest);
	}
	return judge_entitlement(found, request);
}

/* The client id is the public part of its secret; another one is a stranger. */
static Verdict
verify_client(Str client_id, Str client_secret, const DecideRequest *request)
{
	ParsedKey	id;
	ParsedKey	secret;

	if (client_id.data == NULL || client_secret.data == NULL ||
		key_parse_consumer(client_id.data, client_id.len, &id) != KEY_OK ||
		key_parse(client_secret.data, client_secret.len, &secret) != KEY_OK)
		return refused_verdict(VERDICT_MALFORMED);
	if (client_id.len != secret.consumer_len ||
		memcmp(client_id.data, client_secret.data, client_id.len) != 0)
		return refused_verdict(VERDICT_NOT_FOUND);
	return verify_presented(client_secret, PURPOSE_CLIENT_SECRET, request);
}

/* A token is longer than any key. */
static Verdict
verify_long(FunctionCallInfo fcinfo, const DecideRequest *request)
{
	static const TokenProofs nothing = {.token = {NULL, 0}};

	return verify_token(text_argument(fcinfo, 0, JWT_MAX), &nothing, request);
}

/* What stands in the place of an API key: one, or a token. */
static inline Verdict
verify_first(FunctionCallInfo fcinfo, const DecideRequest *request)
{
	Str			presented = text_argument(fcinfo, 0, KEY_MAX);

	return unlikely(presented.len > KEY_MAX) ? verify_long(fcinfo, request) :
		verify_presented(presented, PURPOSE_API_KEY, request);
}

/* verify_key(key, resource, method, environment, proxy, cost, scope, client) */
Datum
devapp_verify_key(PG_FUNCTION_ARGS)
{
	MemoryContext caller = enter_work_context();
	DecideRequest request = request_arguments(fcinfo, 1, false);
	Verdict		v;

	narrow_request(&request, fcinfo, 6);
	v = verify_first(fcinfo, &request);
	PG_RETURN_DATUM(answer_verdict(&v, cost_argument(fcinfo, 5), &request, caller));
}

/* verify_digest(sha256, resource, method, environment, proxy, cost, scope, client) */
Datum
devapp_verify_digest(PG_FUNCTION_ARGS)
{
	MemoryContext caller = enter_work_context();
	DecideRequest request = request_arguments(fcinfo, 1, false);
	Verdict		v;

	narrow_request(&request, fcinfo, 6);
	v = verify_sha256(text_argument(fcinfo, 0, SHA256_LEN), &request);
	PG_RETURN_DATUM(answer_verdict(&v, cost_argument(fcinfo, 5), &request, caller));
}

/* verify_client(client_id, client_secret, resource, method, environment, proxy, cost, scope, client) */
Datum
devapp_verify_client(PG_FUNCTION_ARGS)
{
	MemoryContext caller = enter_work_context();
	DecideRequest request = request_arguments(fcinfo, 2, false);
	Verdict		v;

	narrow_request(&request, fcinfo, 7);
	v = verify_client(text_argument(fcinfo, 0, KEY_MAX),
					  text_argument(fcinfo, 1, KEY_MAX), &request);
	PG_RETURN_DATUM(answer_verdict(&v, cost_argument(fcinfo, 6), &request, caller));
}

/* allows(key, resource, method, environment, proxy, scope, client) */
Datum
devapp_allows(PG_FUNCTION_ARGS)
{
	MemoryContext caller = enter_work_context();
	DecideRequest request = request_arguments(fcinfo, 1, false);
	Verdict		v;

	narrow_request(&request, fcinfo, 5);
	v = verify_first(fcinfo, &request);
	v.cost = 1;
	limits_apply(&v, request.now);
	count_verdict(&v, request.now);
	MemoryContextSwitchTo(caller);
	PG_RETURN_BOOL(v.code == VERDICT_VALID);
}

/*
 * The row of a hard quota is written by SQL, which may make the cache drop what the
 * verdict points to, and reset the context of this call: so what is needed afterwards
 * is copied first, to the caller's memory.
 */
static Datum
consume_hard_quota(const Verdict *v, const Limits *limits, TimestampTz now, MemoryContext caller)
{
	VerdictLimits found = {0};
	UnfinishedVerdict unfinished;
	int64		cost = v->cost;
	MeterKey	key;
	VerdictCode code;

	MemoryContextSwitchTo(caller);
	unfinished = verdict_begin(v);
	count_prepare(&key, v, now);
	code = limits_consume(limits, cost, now, &found);
	count_call(&key, code, cost, now);
	return verdict_finish(&unfinished, code, &found);
}

/* consume_quota(key, resource, method, environment, proxy, cost, scope, client) */
Datum
devapp_consume_quota(PG_FUNCTION_ARGS)
{
	MemoryContext caller = enter_work_context();
	DecideRequest request = request_arguments(fcinfo, 1, false);
	int64		cost = cost_argument(fcinfo, 5);
	Verdict		v;
	Limits		limits;

	narrow_request(&request, fcinfo, 6);
	v = verify_first(fcinfo, &request);
	v.cost = cost;
	if (v.code == VERDICT_VALID && cost > 0 && limits_of(&v, request.now, &limits) &&
		limits.hard && limits.quota.limit > 0)
		PG_RETURN_DATUM(consume_hard_quota(&v, &limits, request.now, caller));
	PG_RETURN_DATUM(answer_verdict(&v, cost, &request, caller));
}
