/*
 * token_secret.c
 *		Tokens that are the secrets of credentials of kind jwt.
 *
 * model/issue.c makes, stores and wipes them as any secret; this file only says what is
 * written in one.  It says nothing of scopes: what the credential has by its products when a call is
 * made is what counts, as for an API key.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/compat.h"
#include "model/issue.h"
#include "token/token_secret.h"
#include "token/token_setting.h"
#include "token/token_write.h"

/* The token ends with its credential, within a second. */
static Secret
make_token_secret(Str consumer, TimestampTz expires_at)
{
	const char *issuer = token_issuer_name();
	Str			audience = {issuer, strlen(issuer)};
	TokenClaims claims = {
		.typ = TYP_SECRET,
		.client_id = consumer,
		.audiences = {1, &audience},
		.iat = unix_seconds(GetCurrentTimestamp()),
		.exp = unix_seconds(expires_at) + 1
	};
	const TokenSigningKey *signer = token_signer(token_default_alg(), claims.exp - claims.iat);
	char	   *kid = pstrdup(signer->kid);
	WrittenToken token = token_write(&claims, signer);

	return (Secret) {token.bytes, token.len, kid};
}

void
token_secret_init(void)
{
	issue_set_token_maker(make_token_secret);
}
