/*
 * identity.c
 *		Who acts: the person, and the database role.
 *
 * Two roles count.  The outer role is the one that the session has taken on (by
 * SET ROLE, if it did), also inside functions that run with other rights.  The entry
 * role is the one that called into devapp (entry.c).  They differ where a function
 * with its definer's rights, a foreign key's cascade or the like stands between the
 * session and devapp.
 *
 *	- An administrator is whoever is one as both: neither does a developer's function
 *	  get the rights of the administrator who runs it, nor a web user those of the
 *	  administrator whose function he runs.
 *	- Claims count only where both are the same role.
 *	- What devapp.act_as() said counts where the entry role is the role that called it.
 *
 * The person is named by request.jwt.claims, where PostgREST puts the claims of a
 * token that it has verified: a verified "email", or else "sub" as the id of a
 * developer.  Anybody can SET request.jwt.claims, so it counts only in the sessions
 * of superusers and of the roles of devapp.claims_from, the log-ins of PostgREST or
 * the like, where those who reach the database can't send SQL of their own.
 *
 * Where there are no claims that count, devapp.act_as() names the person, which
 * whoever may execute it calls.  It is kept in the setting devapp.actor: a line for
 * each role that called, with its oid and the e-mail.  Only a superuser could SET it;
 * it lasts for the transaction unless the caller asks for the session, and DISCARD ALL
 * clears it.  In the sessions of devapp.claims_from it never outlasts the transaction:
 * many people share those.
 *
 * A request over HTTP names its person by its own key or token (src/api): then neither
 * claims nor devapp.act_as() count.
 *
 * In a security-restricted operation nobody acts.
 */
#include "postgres.h"

#include <ctype.h>

#include "common/jsonapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/guc.h"
#include "utils/uuid.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/entry.h"
#include "model/identity.h"
#include "model/validate.h"
#include "table/catalog.h"

PG_FUNCTION_INFO_V1(devapp_current_actor);
PG_FUNCTION_INFO_V1(devapp_actor_name);
PG_FUNCTION_INFO_V1(devapp_claimed_email);
PG_FUNCTION_INFO_V1(devapp_set_actor);
PG_FUNCTION_INFO_V1(devapp_outer_role);
PG_FUNCTION_INFO_V1(devapp_entry_role);
PG_FUNCTION_INFO_V1(devapp_caller_verifies);
PG_FUNCTION_INFO_V1(devapp_is_admin);
PG_FUNCTION_INFO_V1(devapp_is_auditor);
PG_FUNCTION_INFO_V1(devapp_is_superuser);
PG_FUNCTION_INFO_V1(devapp_identity_source);
PG_FUNCTION_INFO_V1(devapp_email_key);

#define CLAIMS_SETTING	"request.jwt.claims"

/* ---------- settings ---------- */

static char *actor_setting = NULL;
static char *claims_from = NULL;

void
identity_define_gucs(void)
{
	DefineCustomStringVariable("devapp.actor",
							   "Stores the e-mail address of the acting developer for each role that called devapp.act_as().",
							   NULL,
							   &actor_setting,
							   "",
							   PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   NULL, NULL, NULL);

	DefineCustomStringVariable("devapp.claims_from",
							   "Sets the roles in whose sessions request.jwt.claims identifies the acting developer.",
							   "A comma-separated list of login roles, such as that of PostgREST; * means every role.",
							   &claims_from,
							   "authenticator",
							   PGC_SUSET, GUC_LIST_INPUT, NULL, NULL, NULL);
}

/* ---------- e-mails ---------- */

/*
 * The form in which e-mails are compared.  Only ASCII letters lose their case: a
 * collation's lower() takes other characters for ASCII letters, like U+212A, the
 * sign for kelvin, for "k", and then one person's address is another's.
 */
char *
identity_email_key(const char *email)
{
	return asc_tolower(email, strlen(email));
}

/* ---------- claims ---------- */

typedef struct Claims
{
	JsonLexContext *lex;
	const char *field;			/* the member of the outer object we are in */
	char	   *email;
	char	   *sub;
	bool		verified;
} Claims;

static compat_json_result
claim_starts(void *state, char *name, bool isnull)
{
	Claims	   *claims = state;

	if (claims->lex->lex_level == 1)
	{
		/* of a claim that comes twice the last counts, whatever it is */
		claims->field = name;
		if (strcmp(name, "email") == 0)
			claims->email = NULL;
		else if (strcmp(name, "sub") == 0)
			claims->sub = NULL;
		else if (strcmp(name, "email_verified") == 0)
			claims->verified = false;
	}
	compat_json_return();
}

static compat_json_result
claim_value(void *state, char *token, JsonTokenType type)
{
	Claims	   *claims = state;

	if (claims->lex->lex_level != 1 || claims->field == NULL)
		compat_json_return();
	if (strcmp(claims->field, "email") == 0 && type == JSON_TOKEN_STRING)
		claims->email = token;
	else if (strcmp(claims->field, "sub") == 0 && type == JSON_TOKEN_STRING)
		claims->sub = token;
	else if (strcmp(claims->field, "email_verified") == 0)
		claims->verified = type == JSON_TOKEN_TRUE;
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

/* Is this a session of devapp.claims_from? */
static bool
session_is_shared(void)
{
	const char *session = GetUserNameFromId(GetSessionUserId(), true);
	List	   *names;
	ListCell   *cell;

	if (session == NULL ||
		!SplitIdentifierString(pstrdup(claims_from), ',', &names))
		return false;
	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), session) == 0 || strcmp(lfirst(cell), "*") == 0)
			return true;
	}
	return false;
}

static bool
session_has_claims(void)
{
	const char *json = GetConfigOption(CLAIMS_SETTING, true, false);

	return json != NULL && json[0] != '\0';
}

/* Do the claims that this session has say who acts? */
static bool
claims_count(void)
{
	return GetOuterUserId() == entry_role() &&
		(superuser_arg(GetSessionUserId()) || session_is_shared());
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

/* The e-mail of a developer by id, or NULL; is_active (unless NULL) says whether he is. */
char *
identity_developer_email(const pg_uuid_t *developer_id, bool *is_active)
{
	Snapshot	snapshot;
	CatalogScan scan;
	char	   *email = NULL;
	bool		isnull;

	snapshot = catalog_take_snapshot();
	catalog_scan_begin(&scan, DEVELOPER_BY_ID, UUIDPGetDatum(developer_id), snapshot);
	if (catalog_scan_next(&scan))
	{
		(void) catalog_value(&scan, DEVELOPER_DELETED_AT, &isnull);
		if (isnull)
			email = identity_email_key(TextDatumGetCString(catalog_value(&scan, DEVELOPER_EMAIL,
																&isnull)));
		if (is_active != NULL)
			*is_active = strcmp(TextDatumGetCString(catalog_value(&scan, DEVELOPER_STATUS, &isnull)), "active") == 0;
	}
	catalog_scan_end(&scan);
	catalog_release_snapshot(snapshot);
	return email;
}

/* The same of an id that a claim gives. */
static char *
email_of(const char *id)
{
	return is_uuid(id) ?
		identity_developer_email(DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(id))), NULL) : NULL;
}

static bool
claims_email(const Claims *claims)
{
	return claims->email != NULL && claims->email[0] != '\0';
}

static char *
verified_email(const Claims *claims)
{
	return claims->verified && validate_is_email(claims->email) ?
		identity_email_key(claims->email) : NULL;
}

static const char *
claimed_actor(void)
{
	Claims		claims = parse_claims(GetConfigOption(CLAIMS_SETTING, true, false));

	if (claims_email(&claims))
		return verified_email(&claims);
	return claims.sub ? email_of(claims.sub) : NULL;
}

/* ---------- act_as() ---------- */

/* The e-mail in a line of devapp.actor if it is this role's, or NULL; the line's length. */
static const char *
declared_in_line(const char *line, Oid role, size_t *length)
{
	char	   *email;
	Oid			caller = (Oid) strtoul(line, &email, 10);

	*length = strcspn(line, "\n");
	return caller == role && *email == ' ' ? email + 1 : NULL;
}

static const char *
next_line(const char *line, size_t length)
{
	return line[length] == '\n' ? line + length + 1 : NULL;
}

/* The person of devapp.act_as(), or NULL. */
static const char *
declared_actor(void)
{
	size_t		length;

	for (const char *line = actor_setting; line != NULL; line = next_line(line, length))
	{
		const char *email = declared_in_line(line, entry_role(), &length);

		if (email != NULL)
			return pnstrdup(email, (size_t) (line + length - email));
	}
	return NULL;
}

/*
 * Add what other roles declared, so that a function that names a person for itself
 * takes nothing from its caller.
 */
static void
append_other_roles(StringInfo lines)
{
	size_t		length;

	for (const char *line = actor_setting; line != NULL; line = next_line(line, length))
	{
		if (declared_in_line(line, entry_role(), &length) == NULL && length > 0)
			appendStringInfo(lines, "%s%.*s", lines->len > 0 ? "\n" : "", (int) length, line);
	}
}

/* ---------- for others ---------- */

typedef enum IdentitySource
{
	FROM_NOTHING,
	FROM_REQUEST,
	FROM_CLAIMS,
	FROM_ACT_AS,
	FROM_RESTRICTED				/* nobody, in a security-restricted operation */
} IdentitySource;

static IdentitySource
identity_source(void)
{
	if (InSecurityRestrictedOperation())
		return FROM_RESTRICTED;
	if (entry_caller() != NULL)
		return FROM_REQUEST;
	if (session_has_claims() && claims_count())
		return FROM_CLAIMS;
	return declared_actor() != NULL ? FROM_ACT_AS : FROM_NOTHING;
}

/* The e-mail of the person who acts, or NULL if nobody does or nobody said. */
const char *
identity_actor(void)
{
	switch (identity_source())
	{
		case FROM_REQUEST:
			return entry_caller()->email;
		case FROM_CLAIMS:
			return claimed_actor();
		case FROM_ACT_AS:
			return declared_actor();
		default:
			return NULL;
	}
}

/* Who the audit trail says it was: the person, or the app whose key a request came with; or NULL. */
const char *
identity_trail_actor(void)
{
	return identity_source() == FROM_REQUEST ? entry_caller()->name : identity_actor();
}

/* Who decided, for the history: that, or else the role. */
const char *
identity_name(void)
{
	const char *actor = identity_trail_actor();

	return actor ? actor : GetUserNameFromId(GetOuterUserId(), false);
}

/* An error where nobody acts. */
void
identity_require_somebody(const char *table)
{
	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("table \"%s\" cannot be changed in a security-restricted operation", table),
				 errdetail("There is no acting user in an index expression, in the query of a materialized view, or in other code that maintenance commands run.")));
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

/* actor_name(): the person, or else the role */
Datum
devapp_actor_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(identity_name()));
}

/* claimed_email(): the verified e-mail of claims that count, also of nobody who is registered */
Datum
devapp_claimed_email(PG_FUNCTION_ARGS)
{
	Claims		claims;
	char	   *email;

	if (identity_source() != FROM_CLAIMS)
		PG_RETURN_NULL();
	claims = parse_claims(GetConfigOption(CLAIMS_SETTING, true, false));
	email = claims_email(&claims) ? verified_email(&claims) : NULL;
	if (email == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(email));
}

/* set_actor(email, is_local); '' for nobody */
Datum
devapp_set_actor(PG_FUNCTION_ARGS)
{
	char	   *email = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool		is_local = PG_GETARG_BOOL(1);
	StringInfoData lines;

	if (entry_caller() != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot act as another developer in a request over HTTP")));
	if (!is_local && session_is_shared())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot set the acting developer for the whole session"),
				 errdetail("Session role \"%s\" is in devapp.claims_from, so its sessions are shared by many people.",
						   GetUserNameFromId(GetSessionUserId(), false)),
				 errhint("Leave out is_local, and call devapp.act_as() in each transaction.")));
	initStringInfo(&lines);
	if (email[0] != '\0')
		appendStringInfo(&lines, "%u %s", entry_role(), identity_email_key(email));
	/* for the session: what others declared may be for the transaction only */
	if (is_local)
		append_other_roles(&lines);
	(void) set_config_option("devapp.actor", lines.data, PGC_SUSET, PGC_S_SESSION,
							 is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET,
							 true, 0, false);
	PG_RETURN_VOID();
}

/* Does no role say who acts? */
static bool
no_role_acts(void)
{
	return InSecurityRestrictedOperation() || entry_caller() != NULL;
}

/* outer_role(), entry_role(): null where nobody acts, or the caller of a request does */
Datum
devapp_outer_role(PG_FUNCTION_ARGS)
{
	if (no_role_acts())
		PG_RETURN_NULL();
	PG_RETURN_OID(GetOuterUserId());
}

Datum
devapp_entry_role(PG_FUNCTION_ARGS)
{
	if (no_role_acts())
		PG_RETURN_NULL();
	PG_RETURN_OID(entry_role());
}

/* caller_verifies(): may the caller of a request ask about keys and tokens of others? */
Datum
devapp_caller_verifies(PG_FUNCTION_ARGS)
{
	const EntryCaller *caller = entry_caller();

	PG_RETURN_BOOL(!InSecurityRestrictedOperation() && caller != NULL && caller->verifies);
}

Datum
devapp_is_admin(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(entry_by_admin());
}

Datum
devapp_is_auditor(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(entry_by_auditor());
}

Datum
devapp_is_superuser(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(entry_by_superuser());
}

static const char *
why_claims_do_not_count(void)
{
	return GetOuterUserId() != entry_role() ?
		"request.jwt.claims are ignored: a function with other privileges is in between" :
		"request.jwt.claims are ignored: the session's role is not in devapp.claims_from";
}

/* identity_source(): what devapp.whoami() says of where the person comes from */
Datum
devapp_identity_source(PG_FUNCTION_ARGS)
{
	const char *source = "no developer was named";

	switch (identity_source())
	{
		case FROM_REQUEST:
			source = "the key or token of the request";
			break;
		case FROM_CLAIMS:
			source = claimed_actor() != NULL ? "request.jwt.claims" :
				"request.jwt.claims do not identify a developer";
			break;
		case FROM_ACT_AS:
			source = "devapp.act_as";
			break;
		case FROM_RESTRICTED:
			source = "a security-restricted operation has no acting user";
			break;
		case FROM_NOTHING:
			if (session_has_claims())
				source = why_claims_do_not_count();
			else if (actor_setting[0] != '\0')
				source = "devapp.act_as was called by another role";
			break;
	}
	PG_RETURN_TEXT_P(cstring_to_text(source));
}

/* email_key(email): see identity_email_key() */
Datum
devapp_email_key(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(identity_email_key(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}
