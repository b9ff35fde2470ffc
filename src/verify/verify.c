/*
 * verify.c
 *		The functions that a gateway calls: verify_key(), verify_digest(),
 *		verify_client(), allows(), consume_quota().
 *
 * The way of a key: what is remembered of it (cache.c), else shape and checksum
 * (key_core.c), the rows behind it (entitlement.c), its SHA-256 (sha256_core.c) and which
 * version of the secret it is (entitlement.c); the decision (decide_core.c), quota and rate
 * (quota.c), the answer (verdict.c).  Each decision is counted (count.c).  On a standby all but
 * the last two may be done twice, or for nothing (standby.c).
 *
 * No table is written to, so this works in READ ONLY transactions and on a standby;
 * but consume_quota() writes where a quota is hard.
 * No key and no path raises an error: every string has a verdict.  A key whose shape or
 * checksum is wrong ends before any table is opened, unless keys of other systems were
 * imported; then it may be one of these (foreign_key.c).  What is longer than a key can be
 * is taken for a token first (verify_token.c).
 *
 * What a call allocates lies in one context, which the next call resets; an
 * error in between leaks nothing.
 */
#include "postgres.h"

#include <sodium.h>

#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/sha256_core.h"
#include "decide/cache.h"
#include "decide/entitlement.h"
#include "decide/first_touch.h"
#include "decide/verdict.h"
#include "import/find_foreign.h"
#include "import/foreign_key.h"
#include "key/key_core.h"
#include "key/secret.h"
#include "quota/quota.h"
#include "table/catalog.h"
#include "verify/arguments.h"
#include "verify/count.h"
#include "verify/judge.h"
#include "verify/verify.h"
#include "verify/verify_token.h"

PG_FUNCTION_INFO_V1(devapp_verify_key);
PG_FUNCTION_INFO_V1(devapp_verify_digest);
PG_FUNCTION_INFO_V1(devapp_verify_client);
PG_FUNCTION_INFO_V1(devapp_allows);
PG_FUNCTION_INFO_V1(devapp_consume_quota);

MemoryContext verification_context = NULL;

/* ---------- verification ---------- */

/* This is called only where the public part led to a credential, so an unknown key costs no SHA-256. */
static int
match_presented(Str presented, SecretPurpose purpose, const Entitlement *e)
{
	uint8		sha256[SHA256_LEN];
	int			match;

	sha256_of(presented.data, presented.len, sha256);
	match = entitlement_match_secret(e, purpose, SECRET_BLAKE2B, sha256);
	sodium_memzero(sha256, sizeof(sha256));
	return match;
}

/* The first touch of a key whose public part is "consumer": read the tables. */
static CacheFound
load_entitlement(const CacheTag *tag, Str presented, Str consumer, SecretPurpose purpose)
{
	uint64		loaded_at = cache_begin_load();
	Snapshot	snapshot = catalog_take_snapshot();
	Entitlement *e = entitlement_by_key(consumer.data, consumer.len, snapshot, cache_product);

	catalog_release_snapshot(snapshot);
	return first_touch_keep(tag, e,
							e == NULL ? SECRET_NONE : match_presented(presented, purpose, e),
							loaded_at);
}

/* True for every key of ours; a key of another system may have such a length as well. */
static bool
has_our_length(Str presented)
{
	return presented.len >= KEY_MIN && presented.len <= KEY_MAX;
}

/* May it be an API key of another system? */
static bool
may_be_foreign(Str presented, SecretPurpose purpose)
{
	return purpose == PURPOSE_API_KEY && presented.len > 0 &&
		presented.len <= FOREIGN_KEY_MAX && foreign_api_keys_exist();
}

/*
 * The first touch of a key.  If it has the form of ours, its public part leads to the row; if it
 * does not match there, it may still be a key of another system.  False if it can be neither.
 */
static bool
find_presented(const CacheTag *tag, Str presented, SecretPurpose purpose, CacheFound *found)
{
	ParsedKey	parsed;
	bool		ours = key_parse(presented.data, presented.len, &parsed) == KEY_OK;

	if (!ours && !may_be_foreign(presented, purpose))
		return false;
	if (ours)
		*found = load_entitlement(tag, presented, (Str) {presented.data, parsed.consumer_len},
								  purpose);
	if (found->entitlement == NULL && !found->untested && may_be_foreign(presented, purpose))
		*found = find_foreign_key(tag, presented);
	return true;
}

/* Verify a whole key, or a client secret that has the form of one. */
static Verdict
verify_presented(Str presented, SecretPurpose purpose,
				 const DecideRequest *request)
{
	CacheTag	tag;
	CacheFound	found;

	if (presented.data == NULL ||
		(!has_our_length(presented) && !may_be_foreign(presented, purpose)))
		return refused_verdict(VERDICT_MALFORMED);

	/* what is remembered was well formed when it came the first time */
	cache_make_tag(purpose == PURPOSE_API_KEY ? CACHE_API_KEY : CACHE_CLIENT_SECRET,
				   presented.data, presented.len, &tag);
	found = find_remembered(&tag, request->now);
	if (found.entitlement == NULL && !find_presented(&tag, presented, purpose, &found))
		return refused_verdict(VERDICT_MALFORMED);
	return judge_entitlement(found, request);
}

Verdict
verify_api_key(Str key, const DecideRequest *request)
{
	return verify_presented(key, PURPOSE_API_KEY, request);
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
		found = first_touch_by_hash(&tag, SECRET_BLAKE2B, (const uint8 *) sha256.data);
	return judge_entitlement(found, request);
}

/* A client whose id, or secret, another system made: the id leads to its row. */
static Verdict
verify_foreign_client(Str client_id, Str client_secret, const DecideRequest *request)
{
	CacheTag	tag;
	CacheFound	found;

	foreign_client_tag(client_id, client_secret, &tag);
	found = find_remembered(&tag, request->now);
	if (found.entitlement == NULL)
		found = find_foreign_client(&tag, client_id, client_secret, request->now);
	return judge_entitlement(found, request);
}

static bool
may_be_foreign_client(Str client_id, Str client_secret)
{
	return client_id.len > 0 && client_id.len <= FOREIGN_KEY_MAX &&
		client_secret.len > 0 && client_secret.len <= FOREIGN_KEY_MAX &&
		foreign_clients_exist();
}

/* The client id must be the public part of the secret. */
static Verdict
verify_our_client(Str client_id, Str client_secret, const DecideRequest *request)
{
	ParsedKey	id;
	ParsedKey	secret;

	if (key_parse_consumer(client_id.data, client_id.len, &id) != KEY_OK ||
		key_parse(client_secret.data, client_secret.len, &secret) != KEY_OK)
		return refused_verdict(VERDICT_MALFORMED);
	if (client_id.len != secret.consumer_len ||
		memcmp(client_id.data, client_secret.data, client_id.len) != 0)
		return refused_verdict(VERDICT_NOT_FOUND);
	return verify_presented(client_secret, PURPOSE_CLIENT_SECRET, request);
}

Verdict
verify_client(Str client_id, Str client_secret, const DecideRequest *request)
{
	Verdict		v;

	if (client_id.data == NULL || client_secret.data == NULL)
		return refused_verdict(VERDICT_MALFORMED);
	v = verify_our_client(client_id, client_secret, request);
	if ((v.code == VERDICT_MALFORMED || v.code == VERDICT_NOT_FOUND) &&
		may_be_foreign_client(client_id, client_secret))
		v = verify_foreign_client(client_id, client_secret, request);
	return v;
}

/* A token is longer than any key of ours.  What is not a token may be a key of another system. */
static Verdict
verify_long(FunctionCallInfo fcinfo, const DecideRequest *request)
{
	static const TokenProofs nothing = {.token = {NULL, 0}};
	Str			presented = text_argument(fcinfo, 0, JWT_MAX);
	Verdict		v = verify_token(presented, &nothing, request);

	if ((v.code == VERDICT_MALFORMED || v.code == VERDICT_NOT_FOUND) &&
		may_be_foreign(presented, PURPOSE_API_KEY))
		v = verify_presented(presented, PURPOSE_API_KEY, request);
	return v;
}

/* The argument for an API key, which may be a token instead. */
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
	bool		waited = false;
	Verdict		v;

	narrow_request(&request, fcinfo, 6);
	do
		v = verify_first(fcinfo, &request);
	while (verify_again(&v, &request, &waited));
	PG_RETURN_DATUM(answer_verdict(&v, cost_argument(fcinfo, 5), &request, caller));
}

/* verify_digest(sha256, resource, method, environment, proxy, cost, scope, client) */
Datum
devapp_verify_digest(PG_FUNCTION_ARGS)
{
	MemoryContext caller = enter_work_context();
	DecideRequest request = request_arguments(fcinfo, 1, false);
	bool		waited = false;
	Verdict		v;

	narrow_request(&request, fcinfo, 6);
	do
		v = verify_sha256(text_argument(fcinfo, 0, SHA256_LEN), &request);
	while (verify_again(&v, &request, &waited));
	PG_RETURN_DATUM(answer_verdict(&v, cost_argument(fcinfo, 5), &request, caller));
}

/* verify_client(client_id, client_secret, resource, method, environment, proxy, cost, scope, client) */
Datum
devapp_verify_client(PG_FUNCTION_ARGS)
{
	MemoryContext caller = enter_work_context();
	DecideRequest request = request_arguments(fcinfo, 2, false);
	bool		waited = false;
	Verdict		v;

	narrow_request(&request, fcinfo, 7);
	do
		v = verify_client(text_argument(fcinfo, 0, FOREIGN_KEY_MAX),
						  text_argument(fcinfo, 1, FOREIGN_KEY_MAX), &request);
	while (verify_again(&v, &request, &waited));
	PG_RETURN_DATUM(answer_verdict(&v, cost_argument(fcinfo, 6), &request, caller));
}

/* allows(key, resource, method, environment, proxy, scope, client) */
Datum
devapp_allows(PG_FUNCTION_ARGS)
{
	MemoryContext caller = enter_work_context();
	DecideRequest request = request_arguments(fcinfo, 1, false);
	bool		waited = false;
	Verdict		v;

	narrow_request(&request, fcinfo, 5);
	do
		v = verify_first(fcinfo, &request);
	while (verify_again(&v, &request, &waited));
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
	bool		waited = false;
	Verdict		v;
	Limits		limits;

	narrow_request(&request, fcinfo, 6);
	do
		v = verify_first(fcinfo, &request);
	while (verify_again(&v, &request, &waited));
	v.cost = cost;
	if (v.code == VERDICT_VALID && cost > 0 && limits_of(&v, request.now, &limits) &&
		limits.hard && limits.quota.limit > 0)
		PG_RETURN_DATUM(consume_hard_quota(&v, &limits, request.now, caller));
	PG_RETURN_DATUM(answer_verdict(&v, cost, &request, caller));
}
