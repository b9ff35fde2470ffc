/*
 * fuzz_base64url.c
 *		Fuzz target: base64url.
 *
 * The input is used twice: as bytes to write and read again, and as digits, which a
 * reference that works bit by bit reads as well.  Digits that are accepted must be what
 * would be written.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "token/base64url_core.h"

static int
reference_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Bit i of the digits; bits behind them are zero. */
static int
reference_bit(Str text, size_t i)
{
	if (i / 6 >= text.len)
		return 0;
	return reference_value(text.data[i / 6]) >> (5 - i % 6) & 1;
}

static bool
reference_decode(Str text, uint8_t *out, size_t *len)
{
	*len = text.len * 6 / 8;
	if (text.len * 6 % 8 >= 6)
		return false;
	for (size_t i = 0; i < text.len; i++)
	{
		if (reference_value(text.data[i]) < 0)
			return false;
	}
	for (size_t i = *len * 8; i < text.len * 6; i++)
	{
		if (reference_bit(text, i))
			return false;
	}
	for (size_t i = 0; i < *len; i++)
	{
		out[i] = 0;
		for (size_t bit = 0; bit < 8; bit++)
			out[i] = (uint8_t) (out[i] << 1 | reference_bit(text, i * 8 + bit));
	}
	return true;
}

static void
check_digits(Str text)
{
	uint8_t    *got = fuzz_alloc(NULL, BASE64URL_DECODED_MAX(text.len));
	uint8_t    *expected = fuzz_alloc(NULL, BASE64URL_DECODED_MAX(text.len));
	size_t		got_len = 0;
	size_t		expected_len;
	bool		good = base64url_decode(text, got, &got_len);

	CHECK(good == reference_decode(text, expected, &expected_len));
	if (good)
	{
		char	   *again = fuzz_alloc(NULL, text.len);

		CHECK(got_len == expected_len && memcmp(got, expected, got_len) == 0);
		CHECK(BASE64URL_ENCODED_LEN(got_len) == text.len);
		CHECK(base64url_encode(got, got_len, again) == text.len);
		CHECK(memcmp(again, text.data, text.len) == 0);
		free(again);
	}
	CHECK(!base64url_decode_exactly(text, expected, expected_len + 1));
	CHECK(base64url_decode_exactly(text, expected, expected_len) == (good && text.len <= 128));
	free(expected);
	free(got);
}

static void
check_bytes(const uint8_t *bytes, size_t len)
{
	char	   *text = fuzz_alloc(NULL, BASE64URL_ENCODED_LEN(len));
	uint8_t    *again = fuzz_alloc(NULL, BASE64URL_DECODED_MAX(BASE64URL_ENCODED_LEN(len)));
	size_t		again_len;

	CHECK(base64url_encode(bytes, len, text) == BASE64URL_ENCODED_LEN(len));
	CHECK(base64url_decode((Str) {text, BASE64URL_ENCODED_LEN(len)}, again, &again_len));
	CHECK(again_len == len && memcmp(again, bytes, len) == 0);
	check_digits((Str) {text, BASE64URL_ENCODED_LEN(len)});
	free(again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);

	check_digits((Str) {copy, size});
	check_bytes((const uint8_t *) copy, size);
	free(copy);
	return 0;
}
