/*
 * fuzz_import.c
 *		Fuzz target: secrets and hashes of secrets that other systems made.
 *
 * The whole input is taken as a secret and as a hash of each scheme.  What is accepted must be
 * within the bounds, which are read again in a plain way; a hash of 32 bytes and a digest of devapp must
 * be the ones that were written.
 */
#include <sodium.h>
#include <stdbool.h>

#include "fuzz.h"
#include "import/secret_form_core.h"
#include "import/sha512_256_core.h"
#include "import/slow_hash_core.h"
#include "import/strength_core.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const uint8_t abc[4] = {0x53, 0x04, 0x8e, 0x26};
	uint8_t		hash[SHA512_256_LEN];

	CHECK(sodium_init() >= 0);
	/* the example of NIST */
	sha512_256("abc", 3, hash);
	CHECK(memcmp(hash, abc, sizeof(abc)) == 0);
	return 0;
}

static void
check_strength(const char *s, size_t len)
{
	int			bits = strength_bits(s, len);

	CHECK(bits >= 0 && (size_t) bits <= 6 * len);
	CHECK(len == 0 || strength_bits(s, len - 1) <= 6 * (int) len);
}

static void
check_hash(const char *s, size_t len)
{
	uint8_t		hash[FORM_HASH_LEN];
	char		hex[2 * FORM_HASH_LEN + 1];

	if (!form_read_hash(s, len, hash))
		return;
	CHECK(len == 64 || len == 44 || len == 43);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	for (size_t i = 0; len == 64 && i < len; i++)
		CHECK((s[i] | 0x20) == hex[i] || s[i] == hex[i]);
}

static void
check_digest(const char *s, size_t len)
{
	DigestForm	form;
	char		hex[2 * FORM_HASH_LEN + 1];
	char		again[128];

	if (!form_read_digest(s, len, &form))
		return;
	CHECK(form.pepper >= 0 && form.pepper <= FORM_PEPPER_MAX);
	sodium_bin2hex(hex, sizeof(hex), form.digest, sizeof(form.digest));
	snprintf(again, sizeof(again), "%s:%d:%s", form.scheme, form.pepper, hex);
	CHECK(len == strlen(again) + (form.has_fingerprint ? 1 + 2 * FORM_FINGERPRINT_LEN : 0));
	for (size_t i = 0; i < strlen(again); i++)
		CHECK(s[i] == again[i] || (s[i] | 0x20) == again[i]);
}

/* The number after the first place of a word; -1: there is none. */
static long
number_after(const char *s, const char *word)
{
	const char *place = strstr(s, word);

	return place == NULL ? -1 : strtol(place + strlen(word), NULL, 10);
}

/* Clearing the padding changes at most two digits, and nothing the second time. */
static void
check_padding(const char *s, size_t len)
{
	char		once[60];
	char		twice[60];
	int			changed = 0;

	memcpy(once, s, sizeof(once));
	slow_bcrypt_clear_padding(once);
	memcpy(twice, once, sizeof(twice));
	slow_bcrypt_clear_padding(twice);
	for (size_t i = 0; i < len; i++)
		changed += once[i] != s[i];
	CHECK(changed <= 2 && memcmp(once, twice, sizeof(once)) == 0);
	CHECK(slow_crypt_form(once, sizeof(once), true) == SLOW_FORM_OK);
}

static void
check_crypt(const char *s, size_t len)
{
	SlowForm	form = slow_crypt_form(s, len, true);

	CHECK(form != SLOW_FORM_OK || len <= 255);
	CHECK(form != SLOW_FORM_OK || strlen(s) == len);
	if (form == SLOW_FORM_OK && strncmp(s, "$2", 2) == 0)
	{
		CHECK(len == 60 && strtol(s + 4, NULL, 10) >= 4 && strtol(s + 4, NULL, 10) <= SLOW_BCRYPT_COST_MAX);
		check_padding(s, len);
	}
	if (form == SLOW_FORM_OK && strstr(s, "rounds=") != NULL)
		CHECK(number_after(s, "rounds=") <= SLOW_SHA_ROUNDS_MAX);
	/* an earlier pgcrypto knows less */
	CHECK(form == SLOW_FORM_OK || slow_crypt_form(s, len, false) != SLOW_FORM_OK);
}

static void
check_argon2id(const char *s, size_t len)
{
	if (slow_argon2id_form(s, len) != SLOW_FORM_OK)
		return;
	CHECK(number_after(s, "$m=") <= SLOW_MEMORY_MAX);
	CHECK(number_after(s, "$m=") * number_after(s, ",t=") <= SLOW_MEMORY_PASSES_MAX);
	CHECK(number_after(s, ",p=") == 1);
}

static void
check_pbkdf2(const char *s, size_t len)
{
	Pbkdf2Form	form;

	if (slow_pbkdf2_form(s, len, &form) != SLOW_FORM_OK)
		return;
	CHECK(form.iterations >= 1 && form.iterations <= SLOW_PBKDF2_MAX);
	CHECK((long) form.iterations == number_after(s, "pbkdf2_sha256$"));
	CHECK(form.salt > s && form.salt + form.salt_len < s + len && form.salt_len > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *exact = fuzz_copy(data, size);
	char	   *ended = fuzz_alloc(NULL, size + 1);

	memcpy(ended, data, size);
	ended[size] = '\0';
	check_strength(exact, size);
	check_hash(exact, size);
	check_digest(exact, size);
	/* the readers may not rely on a zero at the end, and the checks do */
	(void) slow_crypt_form(exact, size, true);
	(void) slow_argon2id_form(exact, size);
	(void) slow_scrypt_form(exact, size);
	(void) slow_pbkdf2_form(exact, size, &(Pbkdf2Form) {0});
	check_crypt(ended, size);
	check_argon2id(ended, size);
	check_pbkdf2(ended, size);
	CHECK(slow_scrypt_form(ended, size) == SLOW_FORM_BAD || size == 101);
	free(exact);
	free(ended);
	return 0;
}
