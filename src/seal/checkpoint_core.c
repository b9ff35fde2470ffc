/*
 * checkpoint_core.c
 *		Checkpoints as text: signed notes (C2SP signed-note, tlog-checkpoint).
 *
 *	<origin>
 *	<number of leaves>
 *	<root, base64>
 *
 *	— <name> <base64 of 4 bytes that name the key, and a signature>
 *
 * The signature is Ed25519 over all before the empty line.  The name is the origin.
 * Lines after the root are extensions, lines of other names are other people's
 * signatures (of witnesses): both may stand there, and are not looked at.
 *
 * A verifier key is <name>+<the 4 bytes, hex>+<base64 of 0x01 and the public key>.
 *
 * Needs no backend.
 */
#include "seal/checkpoint_core.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256_core.h"

#define ALGORITHM_ED25519	0x01
#define KEY_ID_BYTES		4
#define SIGNATURE_BYTES		(KEY_ID_BYTES + crypto_sign_BYTES)
#define DASH				"\xE2\x80\x94"	/* an em dash in UTF-8 */
#define BASE64				sodium_base64_VARIANT_ORIGINAL
#define BASE64_LEN(n)		(((n) + 2) / 3 * 4)

_Static_assert(CHECKPOINT_KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "key is Ed25519");
_Static_assert(CHECKPOINT_SEED_BYTES == crypto_sign_SEEDBYTES, "seed is Ed25519");

/* ---------- names and keys ---------- */

/* Printable ASCII without "+", which ends the name in a verifier key. */
bool
checkpoint_origin_is_valid(const char *origin, size_t len)
{
	if (len < 1 || len > CHECKPOINT_ORIGIN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (origin[i] <= ' ' || origin[i] > '~' || origin[i] == '+')
			return false;
	}
	return true;
}

/* The first bytes of SHA-256(name, newline, algorithm, public key) */
static void
key_id(const char *name, size_t name_len, const CheckpointKey *key,
	   unsigned char id[KEY_ID_BYTES])
{
	static const unsigned char between[2] = {'\n', ALGORITHM_ED25519};
	const Str	parts[] = {{name, name_len}, {(const char *) between, sizeof(between)}, {(const char *) key->bytes, CHECKPOINT_KEY_BYTES}};
	unsigned char hash[SHA256_LEN];

	sha256_of_parts(parts, 3, hash);
	memcpy(id, hash, KEY_ID_BYTES);
}

/* libsodium 1.0.18 takes the byte 0xaf for '/', and others like it. */
static bool
is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) s[i] > 127)
			return false;
	}
	return true;
}

/* Exactly size bytes, in the one spelling that they have. */
static bool
decode_base64(const char *s, size_t len, void *out, size_t size)
{
	size_t		got;
	const char *end;

	return len == BASE64_LEN(size) && is_ascii(s, len) &&
		sodium_base642bin(out, size, s, len, NULL, &got, &end, BASE64) == 0 &&
		got == size && end == s + len;
}

void
checkpoint_verifier_write(const char *name, const CheckpointKey *key,
						  char out[CHECKPOINT_VERIFIER_MAX])
{
	unsigned char typed[1 + CHECKPOINT_KEY_BYTES] = {ALGORITHM_ED25519};
	unsigned char id[KEY_ID_BYTES];
	char		hex[2 * KEY_ID_BYTES + 1];
	char		base64[BASE64_LEN(sizeof(typed)) + 1];

	key_id(name, strlen(name), key, id);
	memcpy(typed + 1, key->bytes, CHECKPOINT_KEY_BYTES);
	sodium_bin2hex(hex, sizeof(hex), id, sizeof(id));
	sodium_bin2base64(base64, sizeof(base64), typed, sizeof(typed), BASE64);
	(void) snprintf(out, CHECKPOINT_VERIFIER_MAX, "%s+%s+%s", name, hex, base64);
}

/* Returns what is wrong, or NULL. */
const char *
checkpoint_verifier_read(const char *s, size_t len, CheckpointKey *key)
{
	const char *plus = memchr(s, '+', len);
	size_t		name_len = plus ? (size_t) (plus - s) : len;
	size_t		head = name_len + 1 + 2 * KEY_ID_BYTES + 1;
	unsigned char typed[1 + CHECKPOINT_KEY_BYTES];
	unsigned char id[KEY_ID_BYTES];
	char		hex[2 * KEY_ID_BYTES + 1];

	if (!checkpoint_origin_is_valid(s, name_len) || len <= head ||
		s[head - 1] != '+' ||
		!decode_base64(s + head, len - head, typed, sizeof(typed)) ||
		typed[0] != ALGORITHM_ED25519)
		return "It is not a verifier key.";
	memcpy(key->bytes, typed + 1, CHECKPOINT_KEY_BYTES);
	key_id(s, name_len, key, id);
	sodium_bin2hex(hex, sizeof(hex), id, sizeof(id));
	if (memcmp(hex, plus + 1, 2 * KEY_ID_BYTES) != 0)
		return "The hash in the verifier key does not match the key.";
	return NULL;
}

/* ---------- writing ---------- */

/* "— name signature" over the len bytes of text */
static void
write_signature(const char *name, const char *text, size_t len,
				const unsigned char *seed, CheckpointKey *key, char *out, size_t room)
{
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	unsigned char signature[SIGNATURE_BYTES];
	char		base64[BASE64_LEN(SIGNATURE_BYTES) + 1];

	(void) crypto_sign_seed_keypair(key->bytes, secret, seed);
	key_id(name, strlen(name), key, signature);
	(void) crypto_sign_detached(signature + KEY_ID_BYTES, NULL,
								(const unsigned char *) text, len, secret);
	sodium_memzero(secret, sizeof(secret));
	sodium_bin2base64(base64, sizeof(base64), signature, sizeof(signature), BASE64);
	(void) snprintf(out, room, DASH " %s %s\n", name, base64);
}

/*
 * Returns the length.  Signed if there is a seed, and then *key is the public key
 * to it.  origin is valid.
 */
size_t
checkpoint_write(const char *origin, uint64_t size, const MerkleHash *root,
				 const unsigned char *seed, CheckpointKey *key,
				 char text[CHECKPOINT_TEXT_MAX])
{
	char		base64[BASE64_LEN(MERKLE_HASH_BYTES) + 1];
	size_t		len;

	sodium_bin2base64(base64, sizeof(base64), root->bytes, MERKLE_HASH_BYTES,
					  BASE64);
	len = (size_t) snprintf(text, CHECKPOINT_TEXT_MAX, "%s\n%" PRIu64 "\n%s\n\n",
							origin, size, base64);
	if (seed)
		write_signature(origin, text, len - 1, seed, key, text + len,
						CHECKPOINT_TEXT_MAX - len);
	return len + strlen(text + len);
}

/* ---------- reading ---------- */

typedef struct Lines
{
	const char *next;
	const char *end;
} Lines;

/* The next line without its end; false if there is none. */
static bool
next_line(Lines *lines, const char **line, size_t *len)
{
	const char *newline;

	if (lines->next >= lines->end)
		return false;
	*line = lines->next;
	newline = memchr(lines->next, '\n', (size_t) (lines->end - lines->next));
	*len = (size_t) ((newline ? newline : lines->end) - *line);
	lines->next = newline ? newline + 1 : lines->end;
	return true;
}

/* Decimal without leading zeros, as large as a bigint */
static bool
read_size(const char *s, size_t len, uint64_t *size)
{
	uint64_t	n = 0;

	if (len < 1 || len > 19 || (s[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (uint64_t) (s[i] - '0');
	}
	*size = n;
	return n <= INT64_MAX;
}

/* Split "— name signature"; the signature has any length, as other people's may. */
static bool
split_signature(const char *line, size_t len, const char **name,
				size_t *name_len, const char **signature, size_t *signature_len)
{
	size_t		dash_len = strlen(DASH " ");
	const char *space;

	if (len < dash_len || memcmp(line, DASH " ", dash_len) != 0)
		return false;
	*name = line + dash_len;
	space = memchr(*name, ' ', len - dash_len);
	if (space == NULL || space == *name || space + 1 == line + len)
		return false;
	*name_len = (size_t) (space - *name);
	*signature = space + 1;
	*signature_len = (size_t) (line + len - *signature);
	return true;
}

static const char *
check_signature_lines(const Checkpoint *c)
{
	Lines		lines = {c->signatures, c->signatures + c->signatures_len};
	const char *parts[3];
	size_t		lens[3];

	while (next_line(&lines, &parts[0], &lens[0]))
	{
		if (!split_signature(parts[0], lens[0], &parts[1], &lens[1], &parts[2],
							 &lens[2]))
			return "A line after the empty line is not a signature.";
	}
	return NULL;
}

/* psql ends what it prints with a newline of its own. */
static void
trim_empty_lines(Checkpoint *c)
{
	const char *s = c->signatures;
	size_t	   *len = &c->signatures_len;

	while (*len > 0 && s[*len - 1] == '\n' && (*len == 1 || s[*len - 2] == '\n'))
		--*len;
}

/*
 * Read a checkpoint; returns what is wrong, or NULL.  One without signatures may have
 * lost the ends of its lines on the way.
 */
const char *
checkpoint_read(const char *text, size_t len, Checkpoint *c)
{
	Lines		lines = {text, text + len};
	const char *line = text;
	size_t		n = 0;

	memset(c, 0, sizeof(*c));
	if (!next_line(&lines, &line, &n) || !checkpoint_origin_is_valid(line, n))
		return "The first line is not an origin.";
	memcpy(c->origin, line, n);
	if (!next_line(&lines, &line, &n) || !read_size(line, n, &c->size))
		return "The second line is not a number of leaves.";
	if (!next_line(&lines, &line, &n) ||
		!decode_base64(line, n, c->root.bytes, MERKLE_HASH_BYTES))
		return "The third line is not a SHA-256 digest in base64.";
	c->text = text;
	do
		c->text_len = (size_t) (lines.next - text);
	while (next_line(&lines, &line, &n) && n > 0);
	c->signatures = lines.next;
	c->signatures_len = (size_t) (lines.end - lines.next);
	trim_empty_lines(c);
	return check_signature_lines(c);
}

/* One line of the origin's name: by which of the keys, and is it right? */
static CheckpointCheck
check_signature(const Checkpoint *c, const char *base64, size_t len,
				const CheckpointKey *keys, int nkeys)
{
	unsigned char signature[SIGNATURE_BYTES];
	unsigned char id[KEY_ID_BYTES];

	if (!decode_base64(base64, len, signature, sizeof(signature)))
		return CHECKPOINT_INVALID;
	for (int i = 0; i < nkeys; i++)
	{
		key_id(c->origin, strlen(c->origin), &keys[i], id);
		if (memcmp(id, signature, KEY_ID_BYTES) != 0)
			continue;
		return crypto_sign_verify_detached(signature + KEY_ID_BYTES,
										   (const unsigned char *) c->text,
										   c->text_len, keys[i].bytes) == 0 ?
			CHECKPOINT_VALID : CHECKPOINT_INVALID;
	}
	return CHECKPOINT_UNKNOWN_KEY;
}

/* Is it signed by one of the keys?  All that one of them has signed must be right. */
CheckpointCheck
checkpoint_check(const Checkpoint *c, const CheckpointKey *keys, int nkeys)
{
	Lines		lines = {c->signatures, c->signatures + c->signatures_len};
	CheckpointCheck result = CHECKPOINT_UNSIGNED;
	const char *parts[3];
	size_t		lens[3];

	while (next_line(&lines, &parts[0], &lens[0]))
	{
		CheckpointCheck one;

		if (!split_signature(parts[0], lens[0], &parts[1], &lens[1], &parts[2],
							 &lens[2]) ||
			lens[1] != strlen(c->origin) ||
			memcmp(parts[1], c->origin, lens[1]) != 0)
			continue;
		one = check_signature(c, parts[2], lens[2], keys, nkeys);
		if (one == CHECKPOINT_INVALID)
			return CHECKPOINT_INVALID;
		if (one == CHECKPOINT_VALID || result == CHECKPOINT_UNSIGNED)
			result = one;
	}
	return result;
}
