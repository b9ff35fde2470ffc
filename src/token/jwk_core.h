/*
 * jwk_core.h
 *		Keys in JSON (RFC 7517, 7518, 8037).  Needs no backend.
 */
#ifndef DEVAPP_JWK_CORE_H
#define DEVAPP_JWK_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "token/json_core.h"

#define JWK_MODULUS_MIN		256		/* bytes of an RSA modulus: 2048 bits ... */
#define JWK_MODULUS_MAX		1024	/* ... to 8192 */
#define JWK_EXPONENT_MAX	8
#define JWK_SECRET_MIN		32		/* bytes of a shared secret */
#define JWK_SECRET_MAX		512
#define JWK_THUMBPRINT_LEN	32
#define JWK_KID_MAX			255
#define JWK_TEXT_MAX		3072	/* room for what jwk_write() writes, with its zero */
#define JWKS_MAX			65536	/* bytes of a set of keys */
#define JWKS_KEYS_MAX		64		/* keys in it that are for us */

typedef enum TokenAlg
{
	ALG_UNKNOWN,
	ALG_EDDSA,					/* Ed25519 */
	ALG_ES256,					/* ECDSA with P-256 and SHA-256 */
	ALG_RS256,					/* RSASSA-PKCS1-v1_5 with SHA-256 */
	ALG_HS256					/* HMAC with SHA-256 */
} TokenAlg;

typedef enum JwkError
{
	JWK_OK,
	JWK_MALFORMED,				/* not a JWK, or not a good key */
	JWK_UNSUPPORTED				/* a key for something else: not for us */
} JwkError;

/*
 * A key as it is written.  The algorithm says which fields there are: x for Ed25519, x and
 * y for ES256, modulus and exponent for RS256, secret for HS256.  kid lies where
 * the text was read from; its data is NULL where there is none.
 */
typedef struct Jwk
{
	TokenAlg	alg;
	bool		is_private;		/* it has a private part, which was not read */
	Str			kid;
	uint8_t		x[32];
	uint8_t		y[32];
	uint8_t		modulus[JWK_MODULUS_MAX];
	size_t		modulus_len;
	uint8_t		exponent[JWK_EXPONENT_MAX];
	size_t		exponent_len;
	uint8_t		secret[JWK_SECRET_MAX];
	size_t		secret_len;
} Jwk;

extern TokenAlg token_alg_of(Str name);
extern const char *token_alg_name(TokenAlg alg);

/* buffer: for strings that have escapes, see json_core.h */
extern JwkError jwk_read(Str text, JsonBuffer *buffer, Jwk *jwk);
extern void jwk_thumbprint(const Jwk *jwk, uint8_t out[JWK_THUMBPRINT_LEN]);
extern size_t jwk_write(const Jwk *jwk, Str kid, char out[JWK_TEXT_MAX]);

/*
 * A set of keys (JWKS).  The visitor gets each key that is for us, one at a time, and
 * stops by returning false.  False if it is not a set, or two of these keys have one kid.
 */
typedef bool (*JwkVisitor) (const Jwk *jwk, void *arg);
extern bool jwks_read(Str text, JsonBuffer *buffer, JwkVisitor visit, void *arg);

#endif							/* DEVAPP_JWK_CORE_H */
