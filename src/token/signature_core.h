/*
 * signature_core.h
 *		The signatures of tokens, and the keys that make and verify them.  Needs no
 *		backend.
 */
#ifndef DEVAPP_SIGNATURE_CORE_H
#define DEVAPP_SIGNATURE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "token/jwk_core.h"

#define SIGNATURE_MAX		JWK_MODULUS_MAX
#define PRIVATE_KEY_MAX		6144	/* bytes of what token_key_private() writes */

/* A key that is ready for use.  It has one algorithm and is used for no other. */
typedef struct TokenKey TokenKey;

/* NULL where the key is not usable or there is no memory. */
extern TokenKey *token_key_generate(TokenAlg alg);
extern TokenKey *token_key_from_private(TokenAlg alg, const uint8_t *bytes, size_t len);
extern TokenKey *token_key_from_jwk(const Jwk *jwk);
extern TokenKey *token_key_from_spki(const uint8_t *der, size_t len);
extern void token_key_free(TokenKey *key);

extern TokenAlg token_key_alg(const TokenKey *key);
extern size_t token_key_private(const TokenKey *key, uint8_t out[PRIVATE_KEY_MAX]);
extern bool token_key_public(const TokenKey *key, Jwk *out);

extern size_t token_key_sign(const TokenKey *key, Str message, uint8_t out[SIGNATURE_MAX]);
extern bool token_key_verify(const TokenKey *key, Str message, const uint8_t *signature,
							 size_t signature_len);
extern bool token_key_verify_der(const TokenKey *key, Str message, const uint8_t *der,
								 size_t len);

#endif							/* DEVAPP_SIGNATURE_CORE_H */
