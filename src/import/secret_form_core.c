/*
 * secret_form_core.c
 *		How other systems write the hashes of secrets.  Needs no backend.
 */
#include "import/secret_form_core.h"

#include <sodium.h>

#define HEX_LEN		(2 * FORM_HASH_LEN)

/* Base64, standard or for URLs, with padding or without. */
static const int variants[] = {
	sodium_base64_VARIANT_ORIGINAL,
	sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
	sodium_base64_VARIANT_URLSAFE,
	sodium_base64_VARIANT_URLSAFE_NO_PADDING,
};

/* Read a hash of 32 bytes, which is written in hexadecimal digits or in base64. */
bool
form_read_hash(const char *s, size_t len, uint8_t *out)
{
	size_t		read;

	if (len == HEX_LEN)
		return sodium_hex2bin(out, FORM_HASH_LEN, s, len, NULL, &read, NULL) == 0 &&
			read == FORM_HASH_LEN;
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
	{
		if (sodium_base642bin(out, FORM_HASH_LEN, s, len, NULL, &read, NULL, variants[i]) == 0 &&
			read == FORM_HASH_LEN)
			return true;
	}
	return false;
}
