/*
 * revoke_token.c
 *		revoke_token(): a token is over before it expires (RFC 7009).
 *
 * A token is revoked by itself, or by an administrator by its jti.  A client revokes its
 * own, and a developer those of his apps.  Whoever may not revoke a token is not told so,
 * nor whether it was one: nothing happens.
 *
 * The row that says so is written by SQL (sql/token/revoke.sql), which gets the jti, and not
 * the token.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/entry.h"
#include "key/mask.h"
#include "token/token.h"
#include "token/token_client.h"

PG_FUNCTION_INFO_V1(devapp_revoke_token);

/* The arguments of revoke_token(), in their order. */
enum
{
	ARG_TOKEN,
	ARG_JTI,
	ARG_CLIENT,					/* and its proof */
	ARG_SECRET,
	ARG_ASSERTION,
	ARG_NOTE
};

static void
put_revoked(FunctionCallInfo fcinfo, Datum jti, const pg_uuid_t *credential_id, TimestampTz expires_at)
{
	Oid			types[] = {TEXTOID, UUIDOID, TIMESTAMPTZOID, TEXTOID};
	Datum		values[] = {jti, UUIDPGetDatum(credential_id), TimestampTzGetDatum(expires_at),
	PG_ARGISNULL(ARG_NOTE) ? (Datum) 0 : PG_GETARG_DATUM(ARG_NOTE)};
	char		nulls[] = {' ', credential_id == NULL ? 'n' : ' ', credential_id == NULL ? 'n' : ' ',
	PG_ARGISNULL(ARG_NOTE) ? 'n' : ' '};

	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args("SELECT devapp_internal.put_revoked_token($1, $2, $3, $4)",
							  lengthof(types), types, values, nulls, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "the token was not revoked");
	SPI_finish();
}

/* A jti that is given as a token would seem to be revoked; others are told nothing. */
static void
note_no_token(const Entitlement *asking)
{
	if (asking == NULL && entry_by_admin())
		ereport(NOTICE,
				(errmsg("this is not a token, so nothing was revoked"),
				 errhint("If it is the jti of a token, give it as jti => '...'.")));
}

static void
revoke_one(FunctionCallInfo fcinfo, const Entitlement *asking)
{
	Token	   *token = palloc(sizeof(Token));
	TokenHolder holder;
	VerdictCode code = token_examine(token_string_argument(fcinfo, ARG_TOKEN), token, &holder);

	if (code == VERDICT_MALFORMED)
		note_no_token(asking);
	if (code != VERDICT_VALID || token->facts.revoked ||
		!token_client_owns(asking, holder.entitlement))
		return;
	put_revoked(fcinfo, PointerGetDatum(cstring_to_text_with_len(token->token_key.data, (int) token->token_key.len)),
				&holder.entitlement->credential_id, token->facts.expires_at);
}

/* A jti is stored and shown, which a token must never be; and a token given as one would go on working. */
static void
revoke_by_jti(FunctionCallInfo fcinfo)
{
	Str			jti = token_string_argument(fcinfo, ARG_JTI);

	if (mask_finds_key(jti.data, jti.len))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the jti contains a key or a token"),
				 errhint("Give a token as token => '...'.")));
	put_revoked(fcinfo, PG_GETARG_DATUM(ARG_JTI), NULL, 0);
}

/* revoke_token(token, jti, client, client_secret, assertion, note) */
Datum
devapp_revoke_token(PG_FUNCTION_ARGS)
{
	Entitlement *asking = token_client_asking(fcinfo, ARG_CLIENT, GetCurrentTimestamp());

	if (PG_ARGISNULL(ARG_TOKEN) == PG_ARGISNULL(ARG_JTI))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("either a token or a jti must be given"),
				 errhint("Give the token; an administrator may give its jti instead.")));
	if (!PG_ARGISNULL(ARG_TOKEN))
		revoke_one(fcinfo, asking);
	else if (asking == NULL && entry_by_admin())
		revoke_by_jti(fcinfo);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only an administrator may revoke a token by its jti"),
				 errhint("Give the token itself.")));
	PG_RETURN_VOID();
}
