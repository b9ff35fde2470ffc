/*
 * verify_scanner.c
 *		verify_scanner_signature(body, signature, public_key)
 *
 * Whatever a client sends is true or false here, and never null: IF NOT null would let it in.  Only a
 * public key that is not one is an error, because whoever set up the endpoint gave it.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "token/scanner_core.h"

PG_FUNCTION_INFO_V1(devapp_verify_scanner_bytes);
PG_FUNCTION_INFO_V1(devapp_verify_scanner_text);

static Str
str_argument(FunctionCallInfo fcinfo, int n)
{
	text	   *t = PG_GETARG_TEXT_PP(n);

	return (Str) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

static TokenKey *
require_public_key(Str pem)
{
	TokenKey   *key;

	devapp_require_sodium();
	key = scanner_key_read(pem);
	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("public_key is not a public key of ECDSA P-256 in PEM"),
				 errhint("It has the lines BEGIN PUBLIC KEY and END PUBLIC KEY. GitHub publishes its keys at https://api.github.com/meta/public_keys/secret_scanning.")));
	return key;
}

static bool
verify_body(FunctionCallInfo fcinfo, Str body)
{
	TokenKey   *key = require_public_key(str_argument(fcinfo, 2));
	bool		good = scanner_signature_is_good(key, body, str_argument(fcinfo, 1));

	token_key_free(key);
	return good;
}

static bool
lacks_argument(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2);
}

Datum
devapp_verify_scanner_bytes(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!lacks_argument(fcinfo) && verify_body(fcinfo, str_argument(fcinfo, 0)));
}

/* The body is in UTF-8 when it is signed. */
Datum
devapp_verify_scanner_text(PG_FUNCTION_ARGS)
{
	char	   *body;

	if (lacks_argument(fcinfo))
		PG_RETURN_BOOL(false);
	body = text_to_cstring(PG_GETARG_TEXT_PP(0));
	body = pg_server_to_any(body, (int) strlen(body), PG_UTF8);
	PG_RETURN_BOOL(verify_body(fcinfo, (Str) {body, strlen(body)}));
}
