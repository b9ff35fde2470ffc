/*
 * base64url_core.c
 *		Base64url without padding (RFC 7515, section 2).  Needs no backend.
 *
 * There is one way only to write given bytes: no padding, no white space, no digit that
 * is incomplete, and no bit set that stands for nothing.  So nobody can write a token
 * that was seen before, or a revoked one, as other characters.  (libsodium has a decoder,
 * which takes some bytes above 127 for digits in version 1.0.18.)
 */
#include "token/base64url_core.h"

static const char digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of each character, plus one; 0: it is not a digit. */
static const uint8_t values[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
	14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
	40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['-'] = 63,
	['_'] = 64
};

/* Write BASE64URL_ENCODED_LEN(len) digits without a zero after them; returns how many. */
size_t
base64url_encode(const uint8_t *bytes, size_t len, char *out)
{
	char	   *start = out;
	uint32_t	bits = 0;
	int			nbits = 0;

	for (size_t i = 0; i < len; i++)
	{
		bits = bits << 8 | bytes[i];
		for (nbits += 8; nbits >= 6; nbits -= 6)
			*out++ = digits[bits >> (nbits - 6) & 63];
	}
	if (nbits > 0)
		*out++ = digits[bits << (6 - nbits) & 63];
	return (size_t) (out - start);
}

/*
 * Read digits into out, which has BASE64URL_DECODED_MAX(text.len) bytes.  False if they
 * are not what base64url_encode() writes.
 */
bool
base64url_decode(Str text, uint8_t *out, size_t *out_len)
{
	uint8_t    *start = out;
	uint32_t	bits = 0;
	int			nbits = 0;

	if (text.len % 4 == 1)
		return false;
	for (size_t i = 0; i < text.len; i++)
	{
		uint8_t		value = values[(unsigned char) text.data[i]];

		if (value == 0)
			return false;
		bits = bits << 6 | (uint32_t) (value - 1);
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			*out++ = (uint8_t) (bits >> nbits);
		}
	}
	*out_len = (size_t) (out - start);
	return (bits & ((UINT32_C(1) << nbits) - 1)) == 0;
}

/* Read the digits of exactly len bytes. */
bool
base64url_decode_exactly(Str text, uint8_t *out, size_t len)
{
	uint8_t		decoded[BASE64URL_DECODED_MAX(128)];
	size_t		decoded_len;

	if (text.len != BASE64URL_ENCODED_LEN(len) || text.len > 128 ||
		!base64url_decode(text, decoded, &decoded_len) || decoded_len != len)
		return false;
	memcpy(out, decoded, len);
	return true;
}
