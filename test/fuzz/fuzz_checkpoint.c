/*
 * fuzz_checkpoint.c
 *		Checkpoints as text, of checkpoint_core.c.
 *
 * Any text is read or refused, and what is read lies within the text.  What is
 * written is read back, is signed by its key and by no other, and is not any more
 * when a bit of it has changed.
 */
#include <sodium.h>

#include "seal/checkpoint_core.h"
#include "fuzz.h"

static const CheckpointKey some_key = {{9}};

static void
check_text(const char *s, size_t len)
{
	Checkpoint	c;
	CheckpointKey key;

	(void) checkpoint_verifier_read(s, len, &key);
	if (checkpoint_read(s, len, &c) != NULL)
		return;
	CHECK(c.text == s && c.text_len <= len);
	CHECK(c.signatures >= s && c.signatures + c.signatures_len <= s + len);
	CHECK(checkpoint_origin_is_valid(c.origin, strlen(c.origin)));
	CHECK(memcmp(c.origin, s, strlen(c.origin)) == 0);
	CHECK(c.size <= INT64_MAX);
	CHECK(checkpoint_check(&c, &some_key, 1) != CHECKPOINT_VALID);
}

static void
check_verifier(const char *origin, const CheckpointKey *key)
{
	char		verifier[CHECKPOINT_VERIFIER_MAX];
	size_t		len;
	CheckpointKey read;

	checkpoint_verifier_write(origin, key, verifier);
	len = strlen(verifier);
	CHECK(len < CHECKPOINT_VERIFIER_MAX - 1);
	CHECK(checkpoint_verifier_read(verifier, len, &read) == NULL);
	CHECK(memcmp(&read, key, sizeof(read)) == 0);
	CHECK(checkpoint_verifier_read(verifier, len - 1, &read) != NULL);
	verifier[0] ^= 1;			/* the hash is of the name too */
	CHECK(checkpoint_verifier_read(verifier, len, &read) != NULL);
}

/* A bit of a signed note: then it is none, or of another key, or not right. */
static void
check_damaged(FuzzInput *in, const char *text, size_t len, const CheckpointKey *key)
{
	char	   *copy = fuzz_copy(text, len);
	size_t		at = (fuzz_byte(in) << 8 | fuzz_byte(in)) % (len - 1);
	Checkpoint	c;

	copy[at] = (char) (copy[at] ^ (1 << fuzz_below(in, 8)));
	if (checkpoint_read(copy, len, &c) == NULL)
		CHECK(checkpoint_check(&c, key, 1) != CHECKPOINT_VALID);
	free(copy);
}

static void
check_written(FuzzInput in)
{
	char		origin[CHECKPOINT_ORIGIN_MAX + 1] = {0};
	unsigned char seed[CHECKPOINT_SEED_BYTES];
	char		text[CHECKPOINT_TEXT_MAX];
	uint64_t	size = 0;
	unsigned	origin_len = 1 + fuzz_below(&in, CHECKPOINT_ORIGIN_MAX);
	bool		is_signed = fuzz_below(&in, 4) > 0;
	MerkleHash	root;
	CheckpointKey keys[2] = {some_key};
	Checkpoint	c;
	size_t		len;

	for (unsigned i = 0; i < origin_len; i++)
		origin[i] = "abz09./-~!"[fuzz_below(&in, 10)];
	for (int i = 0; i < 8; i++)
		size = size << 8 | fuzz_byte(&in);
	size &= INT64_MAX;
	for (int i = 0; i < 32; i++)
		root.bytes[i] = seed[i] = (unsigned char) fuzz_byte(&in);
	len = checkpoint_write(origin, size, &root, is_signed ? seed : NULL, &keys[1], text);
	CHECK(len == strlen(text) && len < CHECKPOINT_TEXT_MAX - 1);
	CHECK(checkpoint_read(text, len, &c) == NULL);
	CHECK(strcmp(c.origin, origin) == 0 && c.size == size);
	CHECK(merkle_hash_equal(&c.root, &root));
	if (!is_signed)
	{
		CHECK(checkpoint_check(&c, keys, 2) == CHECKPOINT_UNSIGNED);
		return;
	}
	CHECK(checkpoint_check(&c, keys, 2) == CHECKPOINT_VALID);
	CHECK(checkpoint_check(&c, keys, 1) == CHECKPOINT_UNKNOWN_KEY);
	check_verifier(origin, &keys[1]);
	check_damaged(&in, text, len, &keys[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);

	check_text(copy, size);
	free(copy);
	check_written((FuzzInput) {data, size});
	return 0;
}
