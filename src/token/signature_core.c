/*
 * signature_core.c
 *		The signatures of tokens, and the keys that make and verify them.  Needs no
 *		backend.
 *
 * Ed25519 and HMAC are libsodium's, ECDSA and RSA OpenSSL's.  A key is made ready once:
 * what OpenSSL looks up by name and allocates for an operation costs as much as verifying
 * an RSA signature.
 *
 * Nothing here raises an error or leaves one in OpenSSL's queue.  Private keys and shared
 * secrets lie in memory from sodium_malloc(), or in OpenSSL's, which it wipes.
 */
#include "token/signature_core.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256_core.h"

#define RSA_BITS	2048		/* of the keys that are made here */
#define EC_BYTES	32			/* of a coordinate, and of each half of a signature */

struct TokenKey
{
	TokenAlg	alg;
	bool		is_private;
	uint8_t		public_key[crypto_sign_PUBLICKEYBYTES]; /* Ed25519 */
	unsigned char *secret;		/* Ed25519 and HMAC, from sodium_malloc() */
	size_t		secret_len;
	EVP_PKEY   *pkey;			/* ECDSA and RSA */
	EVP_PKEY_CTX *verifier;
	EVP_PKEY_CTX *signer;
};

/* ---------- keys ---------- */

void
token_key_free(TokenKey *key)
{
	if (key == NULL)
		return;
	sodium_free(key->secret);
	EVP_PKEY_CTX_free(key->verifier);
	EVP_PKEY_CTX_free(key->signer);
	EVP_PKEY_free(key->pkey);
	free(key);
}

static TokenKey *
make_key(TokenAlg alg)
{
	TokenKey   *key = sodium_init() < 0 ? NULL : calloc(1, sizeof(TokenKey));

	if (key != NULL)
		key->alg = alg;
	return key;
}

/* Take a key that was made, if it is good. */
static TokenKey *
finish_key(TokenKey *key, bool good)
{
	if (good)
		return key;
	token_key_free(key);
	return NULL;
}

static bool
set_secret(TokenKey *key, const uint8_t *bytes, size_t len)
{
	key->secret = sodium_malloc(len);
	if (key->secret == NULL)
		return false;
	memcpy(key->secret, bytes, len);
	key->secret_len = len;
	return true;
}

/* The context of an operation, or NULL; both kinds of key sign a SHA-256. */
static EVP_PKEY_CTX *
make_context(const TokenKey *key, int (*init) (EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);

	if (context != NULL && init(context) > 0 &&
		(key->alg != ALG_RS256 || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0) &&
		EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0)
		return context;
	EVP_PKEY_CTX_free(context);
	return NULL;
}

/* Make a key of OpenSSL's ready; it belongs to our key from now on. */
static bool
set_pkey(TokenKey *key, EVP_PKEY *pkey, bool is_private)
{
	key->pkey = pkey;
	key->is_private = is_private;
	if (pkey == NULL)
		return false;
	key->verifier = make_context(key, EVP_PKEY_verify_init);
	if (is_private)
		key->signer = make_context(key, EVP_PKEY_sign_init);
	return key->verifier != NULL && (!is_private || key->signer != NULL);
}

/* ---------- Ed25519 ---------- */

static bool
set_ed25519_seed(TokenKey *key, const uint8_t *seed, size_t len)
{
	key->secret = sodium_malloc(crypto_sign_SECRETKEYBYTES);
	if (key->secret == NULL || len != crypto_sign_SEEDBYTES)
		return false;
	key->secret_len = crypto_sign_SECRETKEYBYTES;
	key->is_private = true;
	return crypto_sign_seed_keypair(key->public_key, key->secret, seed) == 0;
}

static bool
make_ed25519(TokenKey *key)
{
	key->secret = sodium_malloc(crypto_sign_SECRETKEYBYTES);
	key->secret_len = crypto_sign_SECRETKEYBYTES;
	key->is_private = true;
	return key->secret != NULL && crypto_sign_keypair(key->public_key, key->secret) == 0;
}

static bool
set_ed25519_public(TokenKey *key, const Jwk *jwk)
{
	memcpy(key->public_key, jwk->x, sizeof(key->public_key));
	return crypto_core_ed25519_is_valid_point(jwk->x) == 1;
}

/* ---------- ECDSA and RSA ---------- */

/* A public key of OpenSSL's of what was built, or NULL. */
static EVP_PKEY *
pkey_from_params(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY   *pkey = NULL;

	if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) <= 0 ||
		EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		pkey = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return pkey;
}

/* OpenSSL looks whether the point is on the curve. */
static EVP_PKEY *
ec_from_jwk(const Jwk *jwk)
{
	unsigned char point[1 + 2 * EC_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY   *pkey = NULL;

	memcpy(point + 1, jwk->x, EC_BYTES);
	memcpy(point + 1 + EC_BYTES, jwk->y, EC_BYTES);
	if (builder != NULL &&
		OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
		OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
		pkey = pkey_from_params("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

static EVP_PKEY *
rsa_from_jwk(const Jwk *jwk)
{
	BIGNUM	   *n = BN_bin2bn(jwk->modulus, (int) jwk->modulus_len, NULL);
	BIGNUM	   *e = BN_bin2bn(jwk->exponent, (int) jwk->exponent_len, NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY   *pkey = NULL;

	if (n != NULL && e != NULL && builder != NULL &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
		pkey = pkey_from_params("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	return pkey;
}

/* The private key that token_key_private() wrote. */
static EVP_PKEY *
pkey_from_private(TokenAlg alg, const uint8_t *bytes, size_t len)
{
	const unsigned char *at = bytes;

	return d2i_PrivateKey(alg == ALG_RS256 ? EVP_PKEY_RSA : EVP_PKEY_EC, NULL, &at, (long) len);
}

/* A public key of P-256 in DER (SubjectPublicKeyInfo, RFC 5480), with nothing after it. */
static EVP_PKEY *
ec_from_spki(const uint8_t *der, size_t len)
{
	const unsigned char *at = der;
	EVP_PKEY   *pkey = d2i_PUBKEY(NULL, &at, (long) len);
	char		group[32];

	if (pkey != NULL && at == der + len && EVP_PKEY_is_a(pkey, "EC") &&
		EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) &&
		strcmp(group, SN_X9_62_prime256v1) == 0)
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

static EVP_PKEY *
make_pkey(TokenAlg alg)
{
	return alg == ALG_RS256 ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");
}

/* ---------- making keys ---------- */

/* A new private key; NULL for HS256, whose secrets are made by others. */
TokenKey *
token_key_generate(TokenAlg alg)
{
	TokenKey   *key = make_key(alg);
	bool		good = false;

	if (key == NULL)
		return NULL;
	ERR_set_mark();
	if (alg == ALG_EDDSA)
		good = make_ed25519(key);
	else if (alg == ALG_ES256 || alg == ALG_RS256)
		good = set_pkey(key, make_pkey(alg), true);
	ERR_pop_to_mark();
	return finish_key(key, good);
}

/* The key whose private part token_key_private() wrote. */
TokenKey *
token_key_from_private(TokenAlg alg, const uint8_t *bytes, size_t len)
{
	TokenKey   *key = make_key(alg);
	bool		good = false;

	if (key == NULL)
		return NULL;
	ERR_set_mark();
	if (alg == ALG_EDDSA)
		good = set_ed25519_seed(key, bytes, len);
	else if (alg == ALG_HS256)
		good = len >= JWK_SECRET_MIN && set_secret(key, bytes, len);
	else if (alg == ALG_ES256 || alg == ALG_RS256)
		good = set_pkey(key, pkey_from_private(alg, bytes, len), true);
	ERR_pop_to_mark();
	return finish_key(key, good);
}

/* The key that verifies: a public key, or the secret of HS256. */
TokenKey *
token_key_from_jwk(const Jwk *jwk)
{
	TokenKey   *key = make_key(jwk->alg);
	bool		good = false;

	if (key == NULL)
		return NULL;
	ERR_set_mark();
	switch (jwk->alg)
	{
		case ALG_EDDSA:
			good = set_ed25519_public(key, jwk);
			break;
		case ALG_ES256:
			good = set_pkey(key, ec_from_jwk(jwk), false);
			break;
		case ALG_RS256:
			good = set_pkey(key, rsa_from_jwk(jwk), false);
			break;
		case ALG_HS256:
			good = set_secret(key, jwk->secret, jwk->secret_len);
			break;
		case ALG_UNKNOWN:
			break;
	}
	ERR_pop_to_mark();
	return finish_key(key, good);
}

/* The key that verifies ES256, of a public key as others than JOSE write it. */
TokenKey *
token_key_from_spki(const uint8_t *der, size_t len)
{
	TokenKey   *key = make_key(ALG_ES256);
	bool		good;

	if (key == NULL)
		return NULL;
	ERR_set_mark();
	good = set_pkey(key, ec_from_spki(der, len), false);
	ERR_pop_to_mark();
	return finish_key(key, good);
}

/* ---------- what a key is ---------- */

TokenAlg
token_key_alg(const TokenKey *key)
{
	return key->alg;
}

/*
 * Write the private part, for sealing; returns its length, 0 if there is none.  It is the seed
 * of an Ed25519 key, or DER (SEC 1 and PKCS #1).  The caller wipes it.
 */
size_t
token_key_private(const TokenKey *key, uint8_t out[PRIVATE_KEY_MAX])
{
	unsigned char *at = out;
	int			len = 0;

	if (!key->is_private)
		return 0;
	if (key->alg == ALG_EDDSA)
		return crypto_sign_ed25519_sk_to_seed(out, key->secret) == 0 ? crypto_sign_SEEDBYTES : 0;
	ERR_set_mark();
	len = i2d_PrivateKey(key->pkey, NULL);
	if (len > 0 && len <= PRIVATE_KEY_MAX)
		len = i2d_PrivateKey(key->pkey, &at);
	else
		len = 0;
	ERR_pop_to_mark();
	return len > 0 ? (size_t) len : 0;
}

static bool
public_ec(const TokenKey *key, Jwk *out)
{
	unsigned char point[1 + 2 * EC_BYTES];
	size_t		len;

	if (!EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
										 &len) ||
		len != sizeof(point) || point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return false;
	memcpy(out->x, point + 1, EC_BYTES);
	memcpy(out->y, point + 1 + EC_BYTES, EC_BYTES);
	return true;
}

static bool
public_number(const TokenKey *key, const char *name, uint8_t *out, size_t room, size_t *len)
{
	BIGNUM	   *number = NULL;
	bool		good = EVP_PKEY_get_bn_param(key->pkey, name, &number) &&
		(size_t) BN_num_bytes(number) <= room;

	if (good)
		*len = (size_t) BN_bn2bin(number, out);
	BN_free(number);
	return good;
}

/* The public part, without a kid; false for a shared secret, which has none. */
bool
token_key_public(const TokenKey *key, Jwk *out)
{
	bool		good = false;

	memset(out, 0, sizeof(*out));
	out->alg = key->alg;
	ERR_set_mark();
	if (key->alg == ALG_EDDSA)
	{
		memcpy(out->x, key->public_key, sizeof(out->x));
		good = true;
	}
	else if (key->alg == ALG_ES256)
		good = public_ec(key, out);
	else if (key->alg == ALG_RS256)
		good = public_number(key, OSSL_PKEY_PARAM_RSA_N, out->modulus, sizeof(out->modulus),
							 &out->modulus_len) &&
			public_number(key, OSSL_PKEY_PARAM_RSA_E, out->exponent, sizeof(out->exponent),
						  &out->exponent_len);
	ERR_pop_to_mark();
	return good;
}

/* ---------- signing ---------- */

static const unsigned char *
bytes_of(Str s)
{
	return (const unsigned char *) s.data;
}

static void
hmac_sha256(const TokenKey *key, Str message, uint8_t out[crypto_auth_hmacsha256_BYTES])
{
	crypto_auth_hmacsha256_state state;

	(void) crypto_auth_hmacsha256_init(&state, key->secret, key->secret_len);
	(void) crypto_auth_hmacsha256_update(&state, bytes_of(message), message.len);
	(void) crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof(state));
}

/* From DER to r and s, as RFC 7518, section 3.4, writes them. */
static bool
write_raw_ecdsa(const unsigned char *der, size_t len, uint8_t out[2 * EC_BYTES])
{
	ECDSA_SIG  *signature = d2i_ECDSA_SIG(NULL, &der, (long) len);
	bool		good = signature != NULL &&
		BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, EC_BYTES) == EC_BYTES &&
		BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + EC_BYTES, EC_BYTES) == EC_BYTES;

	ECDSA_SIG_free(signature);
	return good;
}

static size_t
sign_by_openssl(const TokenKey *key, Str message, uint8_t out[SIGNATURE_MAX])
{
	unsigned char digest[SHA256_LEN];
	unsigned char made[SIGNATURE_MAX];
	size_t		len = sizeof(made);

	sha256_of(message.data, message.len, digest);
	if (EVP_PKEY_sign(key->signer, made, &len, digest, sizeof(digest)) <= 0)
		return 0;
	if (key->alg == ALG_ES256)
		return write_raw_ecdsa(made, len, out) ? 2 * EC_BYTES : 0;
	memcpy(out, made, len);
	return len;
}

/* Sign a message; returns the length of the signature, 0 if it did not work. */
size_t
token_key_sign(const TokenKey *key, Str message, uint8_t out[SIGNATURE_MAX])
{
	size_t		len;

	if (key->alg == ALG_HS256)
	{
		hmac_sha256(key, message, out);
		return crypto_auth_hmacsha256_BYTES;
	}
	if (!key->is_private)
		return 0;
	if (key->alg == ALG_EDDSA)
		return crypto_sign_detached(out, NULL, bytes_of(message), message.len, key->secret) == 0 ?
			crypto_sign_BYTES : 0;
	ERR_set_mark();
	len = sign_by_openssl(key, message, out);
	ERR_pop_to_mark();
	return len;
}

/* ---------- verifying ---------- */

/* From r and s to DER; returns its length, 0 if it did not work.  *der is OpenSSL's. */
static int
read_raw_ecdsa(const uint8_t *raw, unsigned char **der)
{
	ECDSA_SIG  *signature = ECDSA_SIG_new();
	BIGNUM	   *r = BN_bin2bn(raw, EC_BYTES, NULL);
	BIGNUM	   *s = BN_bin2bn(raw + EC_BYTES, EC_BYTES, NULL);
	int			len = 0;

	if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s))
	{
		r = s = NULL;			/* they belong to the signature now */
		len = i2d_ECDSA_SIG(signature, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(signature);
	return len > 0 ? len : 0;
}

static bool
verify_ecdsa(const TokenKey *key, const unsigned char *digest, const uint8_t *signature, size_t len)
{
	unsigned char *der = NULL;
	int			der_len;
	bool		good;

	if (len != 2 * EC_BYTES)
		return false;
	der_len = read_raw_ecdsa(signature, &der);
	good = der_len > 0 &&
		EVP_PKEY_verify(key->verifier, der, (size_t) der_len, digest, SHA256_LEN) == 1;
	OPENSSL_free(der);
	return good;
}

static bool
verify_by_openssl(const TokenKey *key, Str message, const uint8_t *signature, size_t len)
{
	unsigned char digest[SHA256_LEN];

	sha256_of(message.data, message.len, digest);
	if (key->alg == ALG_ES256)
		return verify_ecdsa(key, digest, signature, len);
	return EVP_PKEY_verify(key->verifier, signature, len, digest, sizeof(digest)) == 1;
}

static bool
verify_hmac(const TokenKey *key, Str message, const uint8_t *signature, size_t len)
{
	uint8_t		expected[crypto_auth_hmacsha256_BYTES];
	bool		good;

	if (len != sizeof(expected))
		return false;
	hmac_sha256(key, message, expected);
	good = sodium_memcmp(expected, signature, sizeof(expected)) == 0;
	/* it would make a forged token good */
	sodium_memzero(expected, sizeof(expected));
	return good;
}

bool
token_key_verify(const TokenKey *key, Str message, const uint8_t *signature, size_t signature_len)
{
	bool		good;

	if (key->alg == ALG_EDDSA)
		return signature_len == crypto_sign_BYTES &&
			crypto_sign_verify_detached(signature, bytes_of(message), message.len,
										key->public_key) == 0;
	if (key->alg == ALG_HS256)
		return verify_hmac(key, message, signature, signature_len);
	ERR_set_mark();
	good = verify_by_openssl(key, message, signature, signature_len);
	ERR_pop_to_mark();
	return good;
}

/* The same of ES256, where the signature is in DER.  OpenSSL refuses another than the one encoding. */
bool
token_key_verify_der(const TokenKey *key, Str message, const uint8_t *der, size_t len)
{
	unsigned char digest[SHA256_LEN];
	bool		good;

	if (key->alg != ALG_ES256)
		return false;
	sha256_of(message.data, message.len, digest);
	ERR_set_mark();
	good = EVP_PKEY_verify(key->verifier, der, len, digest, sizeof(digest)) == 1;
	ERR_pop_to_mark();
	return good;
}
