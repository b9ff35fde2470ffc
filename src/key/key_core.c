/*
 * key_core.c
 *		The format of a key: parse, check, write.  Needs no backend.
 *
 *	<prefix>_<environment>_<key id>_<secret><checksum>
 *
 *	prefix		1 to 16 of [a-z0-9], the first a letter
 *	environment	1 to 16 of [a-z0-9], a label: what key_write_label() makes of the
 *				environment of the credential
 *	key id		12 base62 digits; up to here the key is public: the consumer key
 *	secret		32 base62 digits, 190 bits
 *	checksum	6 base62 digits of the CRC-32 (the one of zlib, PNG and Ethernet)
 *				of all before it, so that a scanner can tell a key from noise
 *				without asking anybody
 *
 * No part can hold a '_', so the four fields are found without looking back.
 * The parser reads at most KEY_MAX bytes of whatever it is given, and writes
 * nothing but offsets.
 */
#include "key/key_core.h"

#include <string.h>

static const char base62[] =
"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static uint32_t crc_table[256];

/* Must run once before any other function of this file. */
void
key_core_init(void)
{
	for (uint32_t i = 0; i < 256; i++)
	{
		uint32_t	crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) ? (crc >> 1) ^ UINT32_C(0xEDB88320) : crc >> 1;
		crc_table[i] = crc;
	}
}

uint32_t
key_crc32(const char *s, size_t len)
{
	uint32_t	crc = UINT32_C(0xFFFFFFFF);

	for (size_t i = 0; i < len; i++)
		crc = crc_table[(crc ^ (unsigned char) s[i]) & 0xFF] ^ (crc >> 8);
	return crc ^ UINT32_C(0xFFFFFFFF);
}

static bool
is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_base62(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9');
}

static bool
all_base62(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (!is_base62(s[i]))
			return false;
	}
	return true;
}

bool
key_label_is_valid(const char *s, size_t len)
{
	if (len < 1 || len > KEY_LABEL_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (!is_lower_alnum(s[i]))
			return false;
	}
	return true;
}

/* 1 to 32 of [a-z0-9-], the first no '-'. */
bool
key_environment_is_valid(const char *s, size_t len)
{
	if (len < 1 || len > KEY_ENVIRONMENT_MAX || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (!is_lower_alnum(s[i]) && s[i] != '-')
			return false;
	}
	return true;
}

bool
key_prefix_is_valid(const char *s, size_t len)
{
	return len <= KEY_PREFIX_MAX && key_label_is_valid(s, len) &&
		s[0] >= 'a' && s[0] <= 'z';
}

/* Length of the field that starts at s: up to the next '_' within limit. */
static size_t
field_len(const char *s, size_t len, size_t limit)
{
	size_t		n = 0;

	while (n < len && n <= limit && s[n] != '_')
		n++;
	return n;
}

/*
 * Find prefix, label and id at the start of s.  What follows the id is for the
 * caller to look at.
 */
static KeyError
parse_public_part(const char *s, size_t len, ParsedKey *parsed)
{
	size_t		pos;

	parsed->prefix_len = field_len(s, len, KEY_PREFIX_MAX);
	if (!key_prefix_is_valid(s, parsed->prefix_len))
		return KEY_BAD_PREFIX;
	pos = parsed->prefix_len;
	if (pos >= len || s[pos] != '_')
		return KEY_BAD_PREFIX;

	parsed->label_start = ++pos;
	parsed->label_len = field_len(s + pos, len - pos, KEY_LABEL_MAX);
	if (!key_label_is_valid(s + pos, parsed->label_len))
		return KEY_BAD_LABEL;
	pos += parsed->label_len;
	if (pos >= len || s[pos] != '_')
		return KEY_BAD_LABEL;

	parsed->id_start = ++pos;
	if (len - pos < KEY_ID_LEN || !all_base62(s + pos, KEY_ID_LEN))
		return KEY_BAD_ID;
	parsed->consumer_len = pos + KEY_ID_LEN;
	return KEY_OK;
}

/* A consumer key alone: the public part and nothing else. */
KeyError
key_parse_consumer(const char *s, size_t len, ParsedKey *parsed)
{
	KeyError	error;

	if (len < KEY_CONSUMER_MIN || len > KEY_CONSUMER_MAX)
		return KEY_BAD_LENGTH;
	error = parse_public_part(s, len, parsed);
	if (error == KEY_OK && parsed->consumer_len != len)
		error = KEY_BAD_ID;
	return error;
}

/* A whole key, checksum included. */
KeyError
key_parse(const char *s, size_t len, ParsedKey *parsed)
{
	KeyError	error;
	size_t		secret_start;
	size_t		checked_len;
	uint32_t	crc;

	if (len < KEY_MIN || len > KEY_MAX)
		return KEY_BAD_LENGTH;
	error = parse_public_part(s, len, parsed);
	if (error != KEY_OK)
		return error;

	secret_start = parsed->consumer_len + 1;
	if (len != secret_start + KEY_SECRET_LEN + KEY_CHECKSUM_LEN)
		return KEY_BAD_LENGTH;
	if (s[parsed->consumer_len] != '_')
		return KEY_BAD_ID;
	if (!all_base62(s + secret_start, KEY_SECRET_LEN))
		return KEY_BAD_SECRET;

	/* compare the digits from the last to the first, as they are made */
	checked_len = len - KEY_CHECKSUM_LEN;
	crc = key_crc32(s, checked_len);
	for (size_t i = len; i > checked_len; i--)
	{
		if (s[i - 1] != base62[crc % 62])
			return KEY_BAD_CHECKSUM;
		crc /= 62;
	}
	return KEY_OK;
}

/* ---------- masking ---------- */

/*
 * What looks like this much of a secret is masked.  It leaves 95 bits and the checksum
 * to whoever sees less.
 */
#define MASK_MIN	(KEY_SECRET_LEN / 2)

/* How many base62 digits are right before s[end]?  Counts to limit + 1. */
static size_t
digits_before(const char *s, size_t end, size_t limit)
{
	size_t		n = 0;

	while (n <= limit && n < end && is_base62(s[end - 1 - n]))
		n++;
	return n;
}

/* Is the '_' at s[at] the one between the public part of a key and its secret? */
static bool
follows_consumer_key(const char *s, size_t at)
{
	size_t		label_end;
	size_t		label_len;

	if (digits_before(s, at, KEY_ID_LEN) != KEY_ID_LEN ||
		at < KEY_CONSUMER_MIN || s[at - KEY_ID_LEN - 1] != '_')
		return false;
	label_end = at - KEY_ID_LEN - 1;
	label_len = digits_before(s, label_end, KEY_LABEL_MAX);
	return label_len >= 1 && label_len <= KEY_LABEL_MAX && label_len + 1 < label_end &&
		s[label_end - label_len - 1] == '_' && is_base62(s[label_end - label_len - 2]);
}

#define STARS		"********"
#define STARS_LEN	(sizeof(STARS) - 1)

static bool
is_base64url(char c)
{
	return is_base62(c) || c == '-' || c == '_';
}

/* Where the digits of a part of a token end. */
static size_t
part_end(const char *s, size_t at, size_t len)
{
	while (at < len && is_base64url(s[at]))
		at++;
	return at;
}

/*
 * Where the signature of a token (JWT) that begins at s[at] begins, 0 if there is none.  The
 * header of a token is a JSON object, whose first bytes are these three digits.
 */
static size_t
signature_start(const char *s, size_t at, size_t len)
{
	size_t		dot;

	if (len - at < 3 || memcmp(s + at, "eyJ", 3) != 0 || (at > 0 && is_base64url(s[at - 1])))
		return 0;
	dot = part_end(s, at, len);
	if (dot == len || s[dot] != '.')
		return 0;
	dot = part_end(s, dot + 1, len);
	if (dot == len || s[dot] != '.' || part_end(s, dot + 1, len) - dot - 1 < MASK_MIN)
		return 0;
	return dot + 1;
}

/* Put eight stars in the place of the signature of each token. */
static size_t
mask_tokens(char *s, size_t len)
{
	size_t		out = 0;
	size_t		i = 0;

	while (i < len)
	{
		size_t		signature = signature_start(s, i, len);

		if (signature == 0)
		{
			s[out++] = s[i++];
			continue;
		}
		memmove(s + out, s + i, signature - i);
		out += signature - i;
		i = part_end(s, signature, len);
		memcpy(s + out, STARS, STARS_LEN);
		out += STARS_LEN;
	}
	return out;
}

/* The same for the secret of each key. */
static size_t
mask_keys(char *s, size_t len)
{
	size_t		out = 0;		/* what is before it is done */
	size_t		run;			/* digits from i on */

	for (size_t i = 0; i < len; i += run)
	{
		for (run = 0; i + run < len && is_base62(s[i + run]);)
			run++;
		if (run >= MASK_MIN && out > 0 && s[out - 1] == '_' &&
			follows_consumer_key(s, out - 1))
		{
			memcpy(s + out, STARS, STARS_LEN);
			out += STARS_LEN;
			continue;
		}
		if (run == 0)
			run = 1;
		memmove(s + out, s + i, run);
		out += run;
	}
	return out;
}

/*
 * Put eight stars in the place of the secret of each key and of the signature of each
 * token in s, and return the new length, which is not greater.  They are found by their
 * form alone, wherever they are in s; a key in whatever case, also where its checksum is
 * wrong or some of it is missing.
 */
size_t
key_mask(char *s, size_t len)
{
	return mask_keys(s, mask_tokens(s, len));
}

const char *
key_error_text(KeyError error)
{
	switch (error)
	{
		case KEY_OK:
			return "well formed";
		case KEY_BAD_LENGTH:
			return "wrong length";
		case KEY_BAD_PREFIX:
			return "bad prefix";
		case KEY_BAD_LABEL:
			return "bad environment label";
		case KEY_BAD_ID:
			return "bad key id";
		case KEY_BAD_SECRET:
			return "bad character in the secret part";
		case KEY_BAD_CHECKSUM:
			return "checksum does not match";
	}
	return "unknown";
}

char
key_base62_digit(unsigned value)
{
	return base62[value % 62];
}

/*
 * Write the label of an environment to out (KEY_LABEL_MAX + 1 bytes): what it has but
 * '-', cut.  It is for the eye: two environments may have one label.
 */
void
key_write_label(char *out, const char *environment, size_t len)
{
	char	   *p = out;

	for (size_t i = 0; i < len && p < out + KEY_LABEL_MAX; i++)
	{
		if (environment[i] != '-')
			*p++ = environment[i];
	}
	*p = '\0';
}

/* Write the public part to out (KEY_CONSUMER_MAX + 1 bytes), return its length. */
size_t
key_write_consumer(char *out, const char *prefix, const char *label,
				   const char *id)
{
	size_t		prefix_len = strlen(prefix);
	size_t		label_len = strlen(label);
	char	   *p = out;

	memcpy(p, prefix, prefix_len);
	p += prefix_len;
	*p++ = '_';
	memcpy(p, label, label_len);
	p += label_len;
	*p++ = '_';
	memcpy(p, id, KEY_ID_LEN);
	p += KEY_ID_LEN;
	*p = '\0';
	return (size_t) (p - out);
}

/*
 * Write a whole key to out (KEY_MAX + 1 bytes) from its public part and its
 * KEY_SECRET_LEN digits of secret, return its length.
 */
size_t
key_write(char *out, const char *consumer, size_t consumer_len,
		  const char *secret)
{
	size_t		len = consumer_len;
	uint32_t	crc;

	memcpy(out, consumer, consumer_len);
	out[len++] = '_';
	memcpy(out + len, secret, KEY_SECRET_LEN);
	len += KEY_SECRET_LEN;

	crc = key_crc32(out, len);
	for (int i = KEY_CHECKSUM_LEN - 1; i >= 0; i--)
	{
		out[len + (size_t) i] = base62[crc % 62];
		crc /= 62;
	}
	len += KEY_CHECKSUM_LEN;
	out[len] = '\0';
	return len;
}
