/*
 * verify_token.c
 *		verify_token(): may whoever presents this token do this, now?
 *
 * The way of a token is that of a key: what is remembered of it (cache.c), else its
 * signature and the rows behind it (token.c); then what the token itself says of this
 * call, and the decision on the credential, app, owner and product behind it.  So what ends
 * one of these ends the token at its next call, and a token that is remembered costs no
 * signature.
 *
 * Every string has a verdict; none raises an error.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/compat.h"
#include "decide/cache.h"
#include "decide/verdict.h"
#include "table/catalog.h"
#include "token/token.h"
#include "verify/arguments.h"
#include "verify/judge.h"
#include "verify/verify_token.h"

PG_FUNCTION_INFO_V1(devapp_verify_token);

/* longer thumbprints and proofs cannot be right */
#define THUMBPRINT_LIMIT	64
#define AUDIENCE_LIMIT		4096

/* The first touch: the signature, and the tables.  VALID, or why it is refused. */
static VerdictCode
load_token(const CacheTag *tag, Str bytes, CacheFound *found)
{
	/* what was found points to both */
	Token	   *token = palloc(sizeof(Token));
	TokenHolder *holder = palloc(sizeof(TokenHolder));
	uint64		loaded_at;
	Snapshot	snapshot;
	VerdictCode code;

	if (!token_read(bytes, token))
		return VERDICT_MALFORMED;
	loaded_at = cache_begin_load();
	snapshot = catalog_take_snapshot();
	code = token_open(token, loaded_at, snapshot);
	if (code == VERDICT_VALID)
		code = token_holder(token, cache_product, holder);
	catalog_release_snapshot(snapshot);
	if (code != VERDICT_VALID)
		return code;
	*found = (CacheFound) {.entitlement = holder->entitlement, .secret = &holder->secret};
	cache_keep(tag, holder->entitlement, &holder->secret, loaded_at);
	return VERDICT_VALID;
}

/*
 * A token that names an app is remembered with the credential that was chosen for it.  When
 * that credential has expired or was revoked, another one of the app may work.  No change of a
 * row that the entry depends on tells that: the clock does, or a new row.
 */
static inline bool
needs_other_credential(const Entitlement *e, TimestampTz now)
{
	return unlikely(e->token->names_app) &&
		(!e->decide.credential_approved || now >= e->decide.expires_at) &&
		now - TOKEN_SKEW < e->token->expires_at;
}

/* The verdict on a token that is refused for what it says itself still tells whose it is. */
static Verdict
refused_token(VerdictCode code, CacheFound found, const DecideRequest *request)
{
	Verdict		v = refused_verdict(code);

	/* a token for another audience counts as unknown */
	if (code == VERDICT_NOT_FOUND)
		return v;
	v.entitlement = found.entitlement;
	v.secret = found.secret;
	v.environment = request->environment;
	return v;
}

Verdict
verify_token(Str token, const TokenProofs *proofs, const DecideRequest *request)
{
	CacheTag	tag;
	CacheFound	found;
	VerdictCode code;

	if (token.data == NULL || token.len > JWT_MAX)
		return refused_verdict(VERDICT_MALFORMED);
	cache_make_tag(CACHE_TOKEN, token.data, token.len, &tag);
	found = find_remembered(&tag, request->now);
	if (found.entitlement != NULL && needs_other_credential(found.entitlement, request->now))
	{
		cache_forget(&tag);
		found = (CacheFound) {0};
	}
	if (found.entitlement == NULL)
	{
		code = load_token(&tag, token, &found);
		if (code != VERDICT_VALID)
			return refused_verdict(code);
	}
	code = token_refusal(found.entitlement->token, proofs, request->now);
	return code == VERDICT_VALID ? judge_entitlement(found, request) :
		refused_token(code, found, request);
}

/* verify_token(jwt, resource, method, environment, proxy, cost, scope, client, dpop, x5t, audience) */
Datum
devapp_verify_token(PG_FUNCTION_ARGS)
{
	MemoryContext caller = enter_work_context();
	DecideRequest request = request_arguments(fcinfo, 1, false);
	bool		waited = false;
	TokenProofs proofs = {0};
	Verdict		v;

	narrow_request(&request, fcinfo, 6);
	proofs.token = text_argument(fcinfo, 0, JWT_MAX);
	proofs.method = request.method;
	proofs.resource = text_argument(fcinfo, 1, ARGUMENT_RESOURCE_LIMIT);
	proofs.dpop = text_argument(fcinfo, 8, JWT_MAX);
	proofs.x5t = text_argument(fcinfo, 9, THUMBPRINT_LIMIT);
	proofs.audience = text_argument(fcinfo, 10, AUDIENCE_LIMIT);
	do
		v = verify_token(proofs.token, &proofs, &request);
	while (verify_again(&v, &request, &waited));
	PG_RETURN_DATUM(answer_verdict(&v, cost_argument(fcinfo, 5), &request, caller));
}
