/*
 * token_developer.c
 *		The developer whom a token of another issuer names.
 *
 * It serves whatever finds the person behind a request: such a token is not a key of an
 * app, but says who somebody is.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "table/catalog.h"
#include "table/invalidation.h"
#include "token/token.h"

PG_FUNCTION_INFO_V1(devapp_token_developer);

/* True if the token is good now, for whoever has it. */
static bool
is_good(const TokenFacts *facts)
{
	TimestampTz now = GetCurrentTimestamp();
	TokenProofs none = {0};

	return token_refusal(facts, &none, now) == VERDICT_VALID && now - TOKEN_SKEW < facts->expires_at;
}

/* The developer whom a token names that is good now; false if there is none. */
bool
token_names_developer(Str bytes, pg_uuid_t *developer_id)
{
	Token	   *token = palloc(sizeof(Token));
	uint64		loaded_at;
	Snapshot	snapshot;
	VerdictCode code;

	if (!token_read(bytes, token))
		return false;
	loaded_at = invalidation_accept();
	snapshot = catalog_take_snapshot();
	code = token_open(token, loaded_at, snapshot);
	catalog_release_snapshot(snapshot);
	if (code != VERDICT_NO_PRODUCT || !is_good(&token->facts))
		return false;
	*developer_id = token->developer_id;
	return true;
}

/* token_developer(token): null where it is not good now, or names nobody */
Datum
devapp_token_developer(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	pg_uuid_t  *developer_id = palloc(sizeof(pg_uuid_t));

	if (!token_names_developer((Str) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)}, developer_id))
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(developer_id);
}
