/*
 * identity.c
 *		Who acts: the person, and the database role.
 *
 * The person is named by devapp.act_as(), which whoever may execute it calls; or
 * else by request.jwt.claims, where PostgREST puts the claims of a token that it
 * has verified: "email", or "sub" as the id of a developer.  An e-mail that the
 * token itself calls unverified names nobody.
 *
 * Anybody can SET request.jwt.claims.  So it counts only in the sessions of
 * superusers and of the roles of devapp.claims_from, the logins of PostgREST or
 * the like, where those who reach the database can't send SQL of their own.
 * What act_as() sets is the setting devapp.actor, which only a superuser could
 * SET; DISCARD ALL clears it, so that a connection pool hands no identity on.
 *
 * The role is the outer one: inside a SECURITY DEFINER function, still the role
 * that the session has taken on.
 */
#include "postgres.h"

#include <ctype.h>

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/uuid.h"
#include "utils/varlena.h"

#include "catalog.h"
#include "compat.h"
#include "guc.h"
#include "identity.h"

PG_FUNCTION_INFO_V1(devapp_current_actor);
PG_FUNCTION_INFO_V1(devapp_set_actor);
PG_FUNCTION_INFO_V1(devapp_caller);
PG_FUNCTION_INFO_V1(devapp_claims_count);

#define CLAIMS_SETTING	"request.jwt.claims"

/* ---------- claims ---------- */

typedef struct Claims
{
	JsonLexContext *lex;
	const char *field;			/* the member of the outer object we are in */
	char	   *email;
	char	   *sub;
	bool		unverified;
} Claims;

static compat_json_result
claim_starts(void *state, char *name, bool isnull)
{
	Claims	   *claims = state;

	if (claims->lex->lex_level == 1)
		claims->field = name;
	compat_json_return();
}

static compat_json_result
claim_value(void *state, char *token, JsonTokenType type)
{
	Claims	   *claims = state;

	if (claims->lex->lex_level != 1 || claims->field == NULL)
		compat_json_return();
	/* of a claim that comes twice the last counts, as everywhere in PostgreSQL */
	if (strcmp(claims->field, "email") == 0)
		claims->email = type == JSON_TOKEN_STRING ? token : NULL;
	else if (strcmp(claims->field, "sub") == 0)
		claims->sub = type == JSON_TOKEN_STRING ? token : NULL;
	else if (strcmp(claims->field, "email_verified") == 0)
		claims->unverified = type != JSON_TOKEN_TRUE;
	compat_json_return();
}

/* What is no JSON object has no claims. */
static Claims
parse_claims(const char *json)
{
	Claims		claims = {0};
	Claims		none = {0};
	JsonSemAction actions = {0};

	claims.lex = compat_json_lexer(json, GetDatabaseEncoding());
	actions.semstate = &claims;
	actions.object_field_start = claim_starts;
	actions.scalar = claim_value;
	return pg_parse_json(claims.lex, &actions) == JSON_SUCCESS ? claims : none;
}

/* May this session say who acts by its claims? */
static bool
claims_count(void)
{
	const char *session = GetUserNameFromId(GetSessionUserId(), true);
	char	   *list;
	List	   *names;
	ListCell   *cell;

	if (superuser_arg(GetSessionUserId()))
		return true;
	list = pstrdup(devapp_claims_from);
	if (session == NULL || !SplitIdentifierString(list, ',', &names))
		return false;
	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), session) == 0 || strcmp(lfirst(cell), "*") == 0)
			return true;
	}
	return false;
}

/* Of the forms that uuid_in() takes, the usual one: it would raise an error. */
static bool
is_uuid(const char *text)
{
	if (strlen(text) != 36)
		return false;
	for (int i = 0; i < 36; i++)
	{
		bool		dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return false;
	}
	return true;
}

/* The e-mail of a developer by id, or NULL. */
static char *
email_of(const char *id)
{
	pg_uuid_t	uuid;
	Snapshot	snapshot;
	CatalogScan scan;
	char	   *email = NULL;
	bool		isnull;

	if (!is_uuid(id))
		return NULL;
	uuid = *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(id)));
	snapshot = catalog_take_snapshot();
	catalog_scan_begin(&scan, DEVELOPER_BY_ID, UUIDPGetDatum(&uuid), snapshot);
	if (catalog_scan_next(&scan))
	{
		(void) catalog_value(&scan, DEVELOPER_DELETED_AT, &isnull);
		if (isnull)
			email = TextDatumGetCString(catalog_value(&scan, DEVELOPER_EMAIL,
													  &isnull));
	}
	catalog_scan_end(&scan);
	catalog_release_snapshot(snapshot);
	return email;
}

static const char *
claimed_actor(void)
{
	const char *json = GetConfigOption(CLAIMS_SETTING, true, false);
	Claims		claims;

	if (json == NULL || json[0] == '\0' || !claims_count())
		return NULL;
	claims = parse_claims(json);
	if (claims.email != NULL && claims.email[0] != '\0')
		return claims.unverified ? NULL : claims.email;
	return claims.sub ? email_of(claims.sub) : NULL;
}

/* ---------- for others ---------- */

/* The e-mail of the person who acts, or NULL if nobody said. */
const char *
identity_actor(void)
{
	if (devapp_actor[0] != '\0')
		return devapp_actor;
	return claimed_actor();
}

static Oid
identity_role(void)
{
	return GetOuterUserId();
}

/* Who decided, for the history: the person, or else the role. */
const char *
identity_name(void)
{
	const char *actor = identity_actor();

	return actor ? actor : GetUserNameFromId(identity_role(), false);
}

/* ---------- in SQL ---------- */

Datum
devapp_current_actor(PG_FUNCTION_ARGS)
{
	const char *actor = identity_actor();

	if (actor == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(actor));
}

/* _set_actor(email, is_local); '' for nobody */
Datum
devapp_set_actor(PG_FUNCTION_ARGS)
{
	char	   *email = text_to_cstring(PG_GETARG_TEXT_PP(0));

	(void) set_config_option("devapp.actor", email, PGC_SUSET, PGC_S_SESSION,
							 PG_GETARG_BOOL(1) ? GUC_ACTION_LOCAL : GUC_ACTION_SET,
							 true, 0, false);
	PG_RETURN_VOID();
}

Datum
devapp_caller(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(identity_role());
}

Datum
devapp_claims_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(claims_count());
}
