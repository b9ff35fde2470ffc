/*
 * secret_form_core.c
 *		How other systems write the hashes of secrets.  Needs no backend.
 */
#include "import/secret_form_core.h"

#include <sodium.h>
#include <string.h>

#define HEX_LEN		(2 * FORM_HASH_LEN)

/* Base64, standard or for URLs, with padding or without. */
static const int variants[] = {
	sodium_base64_VARIANT_ORIGINAL,
	sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
	sodium_base64_VARIANT_URLSAFE,
	sodium_base64_VARIANT_URLSAFE_NO_PADDING,
};

static bool
read_hex(const char *s, size_t len, uint8_t *out, size_t out_len)
{
	size_t		read;

	return len == 2 * out_len && sodium_hex2bin(out, out_len, s, len, NULL, &read, NULL) == 0 &&
		read == out_len;
}

/* Read a hash of 32 bytes, which is written in hexadecimal digits or in base64. */
bool
form_read_hash(const char *s, size_t len, uint8_t *out)
{
	size_t		read;

	if (len == HEX_LEN)
		return read_hex(s, len, out, FORM_HASH_LEN);
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
	{
		if (sodium_base642bin(out, FORM_HASH_LEN, s, len, NULL, &read, NULL, variants[i]) == 0 &&
			read == FORM_HASH_LEN)
			return true;
	}
	return false;
}

/* How a secret with a fast digest is found. */
static const char *const digest_schemes[] = {"blake2b", "sha256", "sha512_256"};

static const char *
read_scheme(const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof(digest_schemes) / sizeof(digest_schemes[0]); i++)
	{
		if (len == strlen(digest_schemes[i]) && memcmp(s, digest_schemes[i], len) == 0)
			return digest_schemes[i];
	}
	return NULL;
}

/* The number of a pepper, without leading zeros; -1: it is not one. */
static int
read_pepper(const char *s, size_t len)
{
	int			value = 0;

	if (len == 0 || len > 5 || (s[0] == '0' && len > 1))
		return -1;
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] < '0' || s[i] > '9')
			return -1;
		value = value * 10 + (s[i] - '0');
	}
	return value <= FORM_PEPPER_MAX ? value : -1;
}

/* Read scheme:pepper:digest, or scheme:pepper:digest:fingerprint. */
bool
form_read_digest(const char *s, size_t len, DigestForm *out)
{
	const char *parts[4] = {s};
	size_t		lens[4];
	size_t		n = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (s[i] != ':')
			continue;
		lens[n] = (size_t) (s + i - parts[n]);
		if (++n == 4)
			return false;
		parts[n] = s + i + 1;
	}
	lens[n] = (size_t) (s + len - parts[n]);
	if (n < 2)
		return false;
	out->scheme = read_scheme(parts[0], lens[0]);
	out->pepper = read_pepper(parts[1], lens[1]);
	out->has_fingerprint = n == 3;
	return out->scheme != NULL && out->pepper >= 0 &&
		read_hex(parts[2], lens[2], out->digest, FORM_HASH_LEN) &&
		(n < 3 || read_hex(parts[3], lens[3], out->fingerprint, FORM_FINGERPRINT_LEN));
}
