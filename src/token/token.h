/*
 * token.h
 *		What a token says, and who stands behind it.
 */
#ifndef DEVAPP_TOKEN_H
#define DEVAPP_TOKEN_H

#include "postgres.h"

#include "utils/snapshot.h"

#include "decide/entitlement.h"
#include "token/jwt_core.h"

/* A token whose signature was verified.  Its strings lie in jwt. */
typedef struct Token
{
	Jwt		   *jwt;
	TokenFacts	facts;
	Str			bytes;			/* as it was presented */
	Str			client_id;		/* consumer key of the credential behind it */
	Str			token_key;		/* what it is revoked by: its jti */
	pg_uuid_t	developer_id;	/* whom it names, where the verdict is NO_PRODUCT */
	bool		is_secret;		/* it is itself the secret of a credential */
	bool		keeps_scopes;	/* of the credential, all that it has */
	StrList		scopes;
	uint64		loaded_at;
	Snapshot	snapshot;
} Token;

/* What a call brings to prove that a bound token is its own; data NULL: nothing. */
typedef struct TokenProofs
{
	Str			token;			/* for which they are */
	Str			method;			/* of the call */
	Str			resource;
	Str			dpop;
	bool		as_dpop;		/* with a scheme that is only for tokens that are bound to a key */
	Str			x5t;			/* thumbprint of the client's certificate, base64url */
	Str			audience;		/* whom the token must be for */
} TokenProofs;

/* What stands behind a token. */
typedef struct TokenHolder
{
	Entitlement *entitlement;
	DecideSecret secret;
} TokenHolder;

extern bool token_read(Str bytes, Token *token);
extern VerdictCode token_open(Token *token, uint64 loaded_at, Snapshot snapshot);
extern VerdictCode token_holder(const Token *token, ProductGetter getter, TokenHolder *holder);
extern VerdictCode token_examine(Str bytes, Token *token, TokenHolder *holder);
extern VerdictCode token_refusal(const TokenFacts *facts, const TokenProofs *proofs,
								 TimestampTz now);
extern pg_uuid_t token_id_of(Str token_key);
extern bool token_names_developer(Str bytes, pg_uuid_t *developer_id);

#endif							/* DEVAPP_TOKEN_H */
