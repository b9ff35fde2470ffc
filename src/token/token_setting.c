/*
 * token_setting.c
 *		The settings of tokens.
 *
 * They are of a database rather than of a server: two programs on one server have two
 * issuers.  So they can be set by ALTER DATABASE, and by nobody but superusers.
 */
#include "postgres.h"

#include <ctype.h>
#include <limits.h>

#include "commands/dbcommands.h"
#include "lib/stringinfo.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "key/mask.h"
#include "token/token_setting.h"

PG_FUNCTION_INFO_V1(devapp_token_issuer_name);

#define ISSUER_MAX		1024

static char *issuer = NULL;
static int	token_alg = ALG_EDDSA;
int			token_max_lifetime = 60 * 60;

/* Only SQL asks for these. */
static int	signing_key_age = 0;
static int	signing_key_publish = 24 * 60 * 60;

static const struct config_enum_entry alg_options[] = {
	{"EdDSA", ALG_EDDSA, false},
	{"ES256", ALG_ES256, false},
	{"RS256", ALG_RS256, false},
	{NULL, 0, false}
};

/*
 * Clients compare it octet by octet, and RFC 8414 makes an address of it: a URL without
 * query and fragment, or another URI.
 */
static bool
check_issuer(char **newval, void **extra, GucSource source)
{
	size_t		len = strlen(*newval);

	if (len == 0 ||
		(len <= ISSUER_MAX && isalpha((unsigned char) (*newval)[0]) && strchr(*newval, ':') != NULL &&
		 strspn(*newval, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]@!$&'()*+,;=%") == len))
		return true;
	GUC_check_errdetail("The issuer of tokens must be a URI of at most %d characters without query and fragment, such as https://example.com.",
						ISSUER_MAX);
	return false;
}

static void
define_signing_key_gucs(void)
{
	DefineCustomIntVariable("devapp.signing_key_age",
							"Sets the age at which the worker replaces a key that signs tokens.",
							"0 leaves replacing keys to devapp.activate_signing_key().",
							&signing_key_age,
							0, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.signing_key_publish",
							"Sets how long a key is published before the worker activates it.",
							NULL,
							&signing_key_publish,
							24 * 60 * 60, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
}

void
token_setting_define_gucs(void)
{
	DefineCustomStringVariable("devapp.issuer",
							   "Sets the issuer of tokens, a URI.",
							   "If empty, it is urn:devapp:<database>.",
							   &issuer,
							   "",
							   PGC_SUSET, 0, check_issuer, NULL, NULL);

	DefineCustomEnumVariable("devapp.token_alg",
							 "Sets the default algorithm for signing tokens.",
							 NULL,
							 &token_alg,
							 ALG_EDDSA, alg_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.token_max_lifetime",
							"Sets the maximum lifetime of an access token.",
							NULL,
							&token_max_lifetime,
							60 * 60, 1, 365 * 24 * 60 * 60,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	define_signing_key_gucs();
}

/* The name of a database may have characters that a URN may not. */
static char *
database_urn(void)
{
	const char *name = get_database_name(MyDatabaseId);
	StringInfoData urn;

	initStringInfo(&urn);
	appendStringInfoString(&urn, "urn:devapp:");
	for (const unsigned char *c = (const unsigned char *) name; *c != '\0'; c++)
	{
		if (*c < 0x80 && (isalnum(*c) || strchr("-._~", *c) != NULL))
			appendStringInfoChar(&urn, (char) *c);
		else
			appendStringInfo(&urn, "%%%02X", *c);
	}
	return urn.data;
}

/* What is set; empty: nothing. */
const char *
token_issuer_setting(void)
{
	return issuer != NULL ? issuer : "";
}

char *
token_issuer_name(void)
{
	const char *name = token_issuer_setting();

	return name[0] != '\0' ? pstrdup(name) : database_urn();
}

TokenAlg
token_default_alg(void)
{
	return (TokenAlg) token_alg;
}

TokenAlg
token_require_alg(Str name)
{
	for (const struct config_enum_entry *known = alg_options; known->name != NULL; known++)
	{
		if (str_equal_nocase(name, known->name, strlen(known->name)))
			return (TokenAlg) known->val;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unsupported signature algorithm \"%s\"", mask_value(name.data, name.len)),
			 errhint("Possible algorithms: EdDSA, ES256, RS256.")));
	pg_unreachable();
}

/* token_issuer_name(): the iss of our tokens */
Datum
devapp_token_issuer_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(token_issuer_name()));
}
