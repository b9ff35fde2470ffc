/*
 * token_write.h
 *		Writing the tokens that we sign.
 */
#ifndef DEVAPP_TOKEN_WRITE_H
#define DEVAPP_TOKEN_WRITE_H

#include "postgres.h"

#include "base/str.h"
#include "token/signing_key.h"

#define TOKEN_JTI_LEN		22		/* 128 bits, base64url */

#define TYP_ACCESS_TOKEN	"at+jwt"	/* RFC 9068 */
#define TYP_SECRET			"JWT"	/* the token is itself the secret of a credential */

/* What is to be said.  Moments are seconds since 1970; data NULL: it is left out. */
typedef struct TokenClaims
{
	const char *typ;
	Str			client_id;
	StrList		audiences;
	Str			scope;
	Str			jkt;
	Str			x5t;
	int64		iat;
	int64		exp;
	char		jti[TOKEN_JTI_LEN + 1];	/* written here */
} TokenClaims;

/* A token, which whoever asked for it wipes. */
typedef struct WrittenToken
{
	char	   *bytes;
	size_t		len;
} WrittenToken;

extern int64 unix_seconds(int64 moment);
extern const TokenSigningKey *token_signer(TokenAlg alg, int64 lifetime);
extern WrittenToken token_write(TokenClaims *claims, const TokenSigningKey *signer);
extern void token_wipe(WrittenToken *token);

#endif							/* DEVAPP_TOKEN_WRITE_H */
