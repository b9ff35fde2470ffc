/*
 * jwt_core.h
 *		Signed tokens: JWS in compact serialisation (RFC 7515) with claims (RFC 7519).
 *		Needs no backend.
 */
#ifndef DEVAPP_JWT_CORE_H
#define DEVAPP_JWT_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "token/base64url_core.h"
#include "token/json_core.h"
#include "token/jwk_core.h"
#include "token/signature_core.h"

#define JWT_MAX				16384
#define JWT_AUDIENCES_MAX	32
#define JWT_SCOPES_MAX		256

/* a moment that the token does not have; moments are microseconds since 1970 */
#define JWT_NO_TIME			INT64_MIN

/* Whether the header may have a key in it. */
typedef enum JwtKeyRule
{
	JWT_WITHOUT_KEY,
	JWT_WITH_KEY				/* a DPoP proof: it must */
} JwtKeyRule;

/* A Str without data: the token does not have it. */
typedef struct JwtClaims
{
	Str			iss;
	Str			sub;
	Str			client_id;
	Str			azp;
	Str			jti;
	Str			htm;			/* of DPoP proofs: method, */
	Str			htu;			/* URI */
	Str			ath;			/* and digest of the access token */
	int			naudiences;
	Str			audiences[JWT_AUDIENCES_MAX];
	bool		has_scope;		/* scope or scp, which may be empty */
	int			nscopes;
	Str			scopes[JWT_SCOPES_MAX];
	int64_t		exp;
	int64_t		nbf;
	int64_t		iat;
	bool		has_jkt;		/* bound to a key (cnf.jkt) */
	uint8_t		jkt[32];
	bool		has_x5t;		/* bound to a certificate (cnf.x5t#S256) */
	uint8_t		x5t[32];
	bool		bound_otherwise;	/* bound (cnf), but to nothing that is known here */
} JwtClaims;

/*
 * A token, and room for what it decodes to: its strings lie in itself, so it must not be
 * copied.  It takes 40 kB and needs no initialisation.
 */
typedef struct Jwt
{
	TokenAlg	alg;
	Str			kid;
	Str			typ;
	Str			jwk;			/* the key in the header, as JSON */
	Str			signed_part;	/* header and payload as they were presented */
	Str			payload;
	const uint8_t *signature;
	size_t		signature_len;
	JwtClaims	claims;			/* after jwt_read_claims() */

	JsonObject	members;		/* of the header; of the payload after jwt_read_claims() */
	uint8_t		decoded[BASE64URL_DECODED_MAX(JWT_MAX) + 4];
	char		unescaped[BASE64URL_DECODED_MAX(JWT_MAX)];	/* strings that have escapes */
	char	   *free_room;		/* in unescaped */
} Jwt;

extern bool jwt_read(Str token, JwtKeyRule rule, Jwt *jwt);
extern bool jwt_read_claims(Jwt *jwt);
extern bool jwt_typ_is(const Jwt *jwt, const char *typ);
extern bool jwt_has_audience(const Jwt *jwt, Str audience);
extern bool jwt_is_signed_by(const Jwt *jwt, const TokenKey *key);

/*
 * Write a token: header and payload are JSON.  Returns its length, 0 if it did not work.
 */
extern size_t jwt_write(Str header, Str payload, const TokenKey *key, char *out, size_t room);

#endif							/* DEVAPP_JWT_CORE_H */
