/*
 * fuzz_key.c
 *		Fuzz target: parsing and writing keys.
 *
 * The input is used three times: as a key, as a key whose checksum is put right
 * (or few inputs would get past it), and as the fields to write a key of.  What
 * is a key is told by a reference that follows the grammar field by field and
 * counts the CRC-32 bit by bit.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "key/key_core.h"

#define LOWER_ALNUM "0123456789abcdefghijklmnopqrstuvwxyz"
#define BASE62 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	key_core_init();
	CHECK(key_crc32("123456789", 9) == UINT32_C(0xCBF43926));
	return 0;
}

/* ---------- the reference ---------- */

static void
reference_checksum(const char *s, size_t len, char *out)
{
	uint32_t	crc = 0xFFFFFFFF;

	for (size_t i = 0; i < len; i++)
	{
		for (int bit = 0; bit < 8; bit++)
		{
			uint32_t	input = ((unsigned char) s[i] >> bit) & 1;

			crc = ((crc ^ input) & 1) ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
		}
	}
	crc = ~crc;
	for (int i = 5; i >= 0; i--, crc /= 62)
		out[i] = BASE62[crc % 62];
}

/* How many bytes at s are in set. */
static size_t
run_of(const char *s, size_t len, const char *set)
{
	size_t		n = 0;

	while (n < len && s[n] != '\0' && strchr(set, s[n]) != NULL)
		n++;
	return n;
}

/* Length of "<prefix>_<label>_<id>" at the start of s, or 0. */
static size_t
reference_consumer(const char *s, size_t len)
{
	size_t		n = run_of(s, len, LOWER_ALNUM);
	size_t		label;

	if (n < 1 || n > 16 || s[0] <= '9' || n == len || s[n] != '_')
		return 0;
	n++;
	label = run_of(s + n, len - n, LOWER_ALNUM);
	if (label < 1 || label > 16 || n + label == len || s[n + label] != '_')
		return 0;
	n += label + 1;
	return run_of(s + n, len - n, BASE62) >= 12 ? n + 12 : 0;
}

static bool
reference_key(const char *s, size_t len)
{
	size_t		n = reference_consumer(s, len);
	char		checksum[6];

	if (n == 0 || len != n + 1 + 32 + 6 || s[n] != '_' ||
		run_of(s + n + 1, 38, BASE62) != 38)
		return false;
	reference_checksum(s, len - 6, checksum);
	return memcmp(s + len - 6, checksum, 6) == 0;
}

/* ---------- the checks ---------- */

/* Where the parser says the fields are, they are. */
static void
check_offsets(const char *s, const ParsedKey *parsed)
{
	CHECK(key_prefix_is_valid(s, parsed->prefix_len));
	CHECK(parsed->label_start == parsed->prefix_len + 1);
	CHECK(key_label_is_valid(s + parsed->label_start, parsed->label_len));
	CHECK(parsed->id_start == parsed->label_start + parsed->label_len + 1);
	CHECK(parsed->consumer_len == parsed->id_start + KEY_ID_LEN);
	CHECK(s[parsed->label_start - 1] == '_');
	CHECK(s[parsed->id_start - 1] == '_');
}

static bool
check_parse(const char *s, size_t len)
{
	ParsedKey	parsed;
	KeyError	error = key_parse(s, len, &parsed);
	KeyError	consumer_error;
	char		written[KEY_MAX + 1];

	CHECK((error == KEY_OK) == reference_key(s, len));
	CHECK(key_error_text(error)[0] != '\0');
	if (error == KEY_OK)
	{
		check_offsets(s, &parsed);
		CHECK(key_write(written, s, parsed.consumer_len,
						s + parsed.consumer_len + 1) == len);
		CHECK(memcmp(written, s, len) == 0 && written[len] == '\0');
		CHECK(key_parse_consumer(s, parsed.consumer_len, &parsed) == KEY_OK);
	}

	consumer_error = key_parse_consumer(s, len, &parsed);
	CHECK((consumer_error == KEY_OK) ==
		  (len > 0 && reference_consumer(s, len) == len));
	if (consumer_error == KEY_OK)
		check_offsets(s, &parsed);
	CHECK(error != KEY_OK || consumer_error != KEY_OK);
	return error == KEY_OK;
}

/* No key is one byte away from another, nor a part of one. */
static void
check_neighbours(char *key, size_t len, unsigned salt)
{
	ParsedKey	parsed;
	size_t		chosen = salt % len;

	for (size_t i = 0; i < len; i++)
	{
		unsigned	all = i == chosen ? 255 : 1;

		for (unsigned change = 1; change <= all; change++)
		{
			unsigned char flip = (unsigned char) (all > 1 ? change : salt % 255 + 1);

			key[i] = (char) ((unsigned char) key[i] ^ flip);
			CHECK(key_parse(key, len, &parsed) != KEY_OK);
			key[i] = (char) ((unsigned char) key[i] ^ flip);
		}
		CHECK(key_parse(key, i, &parsed) != KEY_OK);
	}
	CHECK(key_parse(key, len, &parsed) == KEY_OK);
}

/* A masked text is no longer, has no key to mask, and is masked once. */
static void
check_masked(const char *s, size_t len)
{
	char	   *once = fuzz_copy(s, len);
	size_t		masked = key_mask(once, len);
	char	   *twice = fuzz_copy(once, masked);

	CHECK(masked <= len);
	CHECK(key_mask(twice, masked) == masked && memcmp(once, twice, masked) == 0);
	free(twice);
	free(once);
}

static bool
has_secret(const char *text, size_t len, const char *secret)
{
	for (size_t i = 0; i + KEY_SECRET_LEN <= len; i++)
	{
		if (memcmp(text + i, secret, KEY_SECRET_LEN) == 0)
			return true;
	}
	return false;
}

/*
 * A key among other bytes, and the same twice: the secret is not there any more, unless
 * the other bytes say it, where it is no part of a key.
 */
static void
check_key_masked(const char *key, size_t len, size_t consumer_len, FuzzInput in)
{
	size_t		before = fuzz_below(&in, 60);
	size_t		total = before + 1 + len + 1 + len;
	char	   *text = fuzz_alloc(NULL, total);
	const char *secret = key + consumer_len + 1;
	bool		said;
	size_t		masked;

	for (size_t i = 0; i < before; i++)
		text[i] = (char) fuzz_byte(&in);
	said = has_secret(text, before, secret);
	text[before] = ' ';
	memcpy(text + before + 1, key, len);
	text[before + 1 + len] = '/';
	memcpy(text + before + 1 + len + 1, key, len);
	masked = key_mask(text, total);
	CHECK(masked <= total - 2 * (len - consumer_len - 1 - 8));
	CHECK(said || !has_secret(text, masked, secret));
	CHECK(masked >= consumer_len + 9);
	CHECK(memcmp(text + masked - 9, "_********", 9) == 0);
	free(text);
}

/* A token among other bytes: its signature is not there any more. */
static void
check_token_masked(FuzzInput in)
{
	static const char token[] = " eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJhIn0.0123456789abcdef-_ABCDEF";
	size_t		before = fuzz_below(&in, 60);
	size_t		total = before + sizeof(token) - 1;
	char	   *text = fuzz_alloc(NULL, total);
	size_t		masked;

	for (size_t i = 0; i < before; i++)
		text[i] = (char) fuzz_byte(&in);
	memcpy(text + before, token, sizeof(token) - 1);
	masked = key_mask(text, total);
	CHECK(masked <= total - 16);
	CHECK(memcmp(text + masked - 9, ".********", 9) == 0);
	free(text);
}

/* A string of min to max characters of a set. */
static size_t
make_field(FuzzInput *in, char *out, const char *set, size_t min, size_t max)
{
	size_t		n = min + fuzz_below(in, (unsigned) (max - min + 1));

	for (size_t i = 0; i < n; i++)
		out[i] = set[fuzz_below(in, (unsigned) strlen(set))];
	out[n] = '\0';
	return n;
}

/*
 * An environment is 1 to 32 of a-z, 0-9 and '-', the first no '-'.  Its label is legal, and
 * has its letters and digits in their order, as far as there is room.
 */
static void
check_environment(const char *s, size_t len)
{
	char		label[KEY_LABEL_MAX + 1];
	bool		legal = len >= 1 && len <= 32 && s[0] != '-';
	size_t		n = 0;

	for (size_t i = 0; i < len && legal; i++)
		legal = s[i] != '\0' && strchr(LOWER_ALNUM "-", s[i]) != NULL;
	CHECK(key_environment_is_valid(s, len) == legal);
	if (!legal)
		return;
	key_write_label(label, s, len);
	CHECK(key_label_is_valid(label, strlen(label)));
	for (size_t i = 0; i < len && n < KEY_LABEL_MAX; i++)
	{
		if (s[i] != '-')
			CHECK(label[n++] == s[i]);
	}
	CHECK(label[n] == '\0');
}

/* The bytes as they are, and an environment that they make. */
static void
check_environments(const char *copy, size_t size, FuzzInput in)
{
	char		made[40];
	size_t		len;

	check_environment(copy, size);
	len = make_field(&in, made, LOWER_ALNUM "-", 1, 34);
	check_environment(made, len);
}

/* Whatever is written of legal fields parses, into the same fields. */
static void
check_written(FuzzInput in)
{
	unsigned	salt = fuzz_byte(&in) * 256 + fuzz_byte(&in);
	char		prefix[KEY_PREFIX_MAX + 1];
	char		label[KEY_LABEL_MAX + 1];
	char		id[KEY_ID_LEN + 1];
	char		secret[KEY_SECRET_LEN + 1];
	char		consumer[KEY_CONSUMER_MAX + 1];
	char		written[KEY_MAX + 1];
	size_t		prefix_len = make_field(&in, prefix, LOWER_ALNUM, 1, KEY_PREFIX_MAX);
	size_t		label_len = make_field(&in, label, LOWER_ALNUM, 1, KEY_LABEL_MAX);
	size_t		consumer_len;
	size_t		len;
	ParsedKey	parsed;
	char	   *key;

	(void) make_field(&in, id, BASE62, KEY_ID_LEN, KEY_ID_LEN);
	for (int i = 0; i < KEY_SECRET_LEN; i++)
		secret[i] = key_base62_digit(fuzz_byte(&in));
	if (prefix[0] <= '9')
		prefix[0] = 'k';

	consumer_len = key_write_consumer(consumer, prefix, label, id);
	CHECK(consumer_len == strlen(consumer) && consumer_len <= KEY_CONSUMER_MAX);
	len = key_write(written, consumer, consumer_len, secret);
	CHECK(len == strlen(written) && len <= KEY_MAX);

	key = fuzz_copy(written, len);
	CHECK(check_parse(key, len));
	CHECK(key_parse(key, len, &parsed) == KEY_OK);
	CHECK(parsed.prefix_len == prefix_len && parsed.label_len == label_len);
	CHECK(parsed.consumer_len == consumer_len);
	CHECK(memcmp(key + parsed.id_start, id, KEY_ID_LEN) == 0);
	CHECK(memcmp(key + consumer_len + 1, secret, KEY_SECRET_LEN) == 0);
	check_neighbours(key, len, salt);
	check_key_masked(key, len, consumer_len, in);
	check_token_masked(in);
	free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);

	(void) check_parse(copy, size);
	check_masked(copy, size);
	check_environments(copy, size, (FuzzInput) {data, size});
	if (size > KEY_CHECKSUM_LEN)
	{
		reference_checksum(copy, size - KEY_CHECKSUM_LEN,
						   copy + size - KEY_CHECKSUM_LEN);
		if (check_parse(copy, size))
			check_neighbours(copy, size, data[size - 1]);
	}
	free(copy);

	check_written((FuzzInput) {data, size});
	return 0;
}
