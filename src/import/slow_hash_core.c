/*
 * slow_hash_core.c
 *		Hashes of passwords, as other systems write them.  Needs no backend.
 *
 *	crypt			$2a$10$<22 salt><31 hash>, also $2b$, $2x$, $2y$; $1$<salt>$<22>;
 *					$5$[rounds=N$]<salt>$<43>, $6$[rounds=N$]<salt>$<86>; _<4 count><4 salt><11>;
 *					<2 salt><11>
 *	argon2id		$argon2id$v=19$m=<kB>,t=<passes>,p=1$<salt>$<hash>
 *	scrypt			$7$<N><5 r><5 p><43 salt>$<43 hash>
 *	pbkdf2_sha256	pbkdf2_sha256$<iterations>$<salt>$<base64>
 *
 * pgcrypto and libsodium can compute every hash that is accepted here, within the bounds.
 */
#include "import/slow_hash_core.h"

#include <sodium.h>
#include <string.h>

/* What is left to read; data NULL: something was not as expected. */
typedef struct Reader
{
	const char *data;
	size_t		len;
} Reader;

static void
skip_bytes(Reader *r, size_t n)
{
	if (r->data == NULL || r->len < n)
		r->data = NULL;
	else
	{
		r->data += n;
		r->len -= n;
	}
}

static bool
starts_with(const Reader *r, const char *word)
{
	return r->data != NULL && r->len >= strlen(word) && memcmp(r->data, word, strlen(word)) == 0;
}

static void
read_word(Reader *r, const char *word)
{
	if (!starts_with(r, word))
		r->data = NULL;
	skip_bytes(r, strlen(word));
}

/* A number of at most nine digits, of which the first is not 0. */
static uint32_t
read_number(Reader *r)
{
	uint32_t	value = 0;
	size_t		n = 0;

	while (r->data != NULL && n < r->len && n < 10 && r->data[n] >= '0' && r->data[n] <= '9')
		value = value * 10 + (uint32_t) (r->data[n++] - '0');
	if (n == 0 || n == 10 || r->data[0] == '0')
		r->data = NULL;
	skip_bytes(r, n);
	return value;
}

static bool
is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Skip all letters, digits and characters of "others" that come next, and return how many there were. */
static size_t
read_characters(Reader *r, const char *others)
{
	size_t		n = 0;

	while (r->data != NULL && n < r->len &&
		   (is_alphanumeric(r->data[n]) || (r->data[n] != '\0' && strchr(others, r->data[n]) != NULL)))
		n++;
	skip_bytes(r, n);
	return n;
}

static bool
is_over(const Reader *r)
{
	return r->data != NULL && r->len == 0;
}

static SlowForm
form_of(bool well_formed, bool cheap)
{
	if (!well_formed)
		return SLOW_FORM_BAD;
	return cheap ? SLOW_FORM_OK : SLOW_FORM_EXPENSIVE;
}

/* The value of a digit of crypt()'s base64; -1: it is not a digit. */
static int
crypt_digit(char c)
{
	static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *place = c == '\0' ? NULL : strchr(digits, c);

	return place == NULL ? -1 : (int) (place - digits);
}

/* A number of n digits, the lowest first. */
static uint32_t
read_crypt_number(Reader *r, size_t n)
{
	uint32_t	value = 0;

	for (size_t i = 0; r->data != NULL && i < n; i++)
	{
		int			digit = i < r->len ? crypt_digit(r->data[i]) : -1;

		if (digit < 0)
			r->data = NULL;
		value |= (uint32_t) digit << (6 * i);
	}
	skip_bytes(r, n);
	return value;
}

/* ---------- crypt ---------- */

#define BCRYPT_LEN		60
#define BCRYPT_SALT_END	28		/* the last of the 22 digits of the salt */

static SlowForm
bcrypt_form(Reader r)
{
	bool		known = r.len == BCRYPT_LEN && r.data[2] != '\0' && strchr("abxy", r.data[2]) != NULL &&
		r.data[3] == '$' && r.data[4] >= '0' && r.data[4] <= '3' && r.data[5] >= '0' &&
		r.data[5] <= '9' && r.data[6] == '$';
	int			cost = known ? (r.data[4] - '0') * 10 + (r.data[5] - '0') : 0;

	skip_bytes(&r, 7);
	return form_of(known && cost >= 4 && cost <= 31 && read_characters(&r, "./") == 53 && is_over(&r),
				   cost <= SLOW_BCRYPT_COST_MAX);
}

/* Clear the bits of a digit of bcrypt's base64 that are not in the mask. */
static void
clear_padding(char *digit, int mask)
{
	static const char digits[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const char *place = strchr(digits, *digit);

	*digit = digits[(place - digits) & mask];
}

/*
 * Clear the padding bits of a bcrypt hash: the last digit of its salt has two bits of the salt, and
 * the last digit of the hash has four.  Some programs left the others set at random, and crypt()
 * always writes zeros.  The hash has the form that slow_crypt_form() accepts.
 */
void
slow_bcrypt_clear_padding(char *hash)
{
	clear_padding(&hash[BCRYPT_SALT_END], 0x30);
	clear_padding(&hash[BCRYPT_LEN - 1], 0x3c);
}

static SlowForm
md5_crypt_form(Reader r)
{
	size_t		salt;

	read_word(&r, "$1$");
	salt = read_characters(&r, "./");
	read_word(&r, "$");
	return form_of(salt >= 1 && salt <= 8 && read_characters(&r, "./") == 22 && is_over(&r), true);
}

static SlowForm
sha_crypt_form(Reader r, size_t hash_len)
{
	uint32_t	rounds = 5000;
	size_t		salt;

	skip_bytes(&r, 3);
	if (starts_with(&r, "rounds="))
	{
		read_word(&r, "rounds=");
		rounds = read_number(&r);
		read_word(&r, "$");
	}
	salt = read_characters(&r, "./");
	read_word(&r, "$");
	return form_of(salt >= 1 && salt <= 16 && rounds >= 1000 &&
				   read_characters(&r, "./") == hash_len && is_over(&r),
				   rounds <= SLOW_SHA_ROUNDS_MAX);
}

static SlowForm
extended_des_form(Reader r)
{
	uint32_t	count;

	read_word(&r, "_");
	count = read_crypt_number(&r, 4);
	return form_of(count > 0 && read_characters(&r, "./") == 15 && is_over(&r),
				   count <= SLOW_DES_COUNT_MAX);
}

/* What crypt() of pgcrypto takes; sha_crypt: this version of it knows $5$ and $6$. */
SlowForm
slow_crypt_form(const char *s, size_t len, bool sha_crypt)
{
	Reader		r = {s, len};

	if (starts_with(&r, "$2"))
		return bcrypt_form(r);
	if (starts_with(&r, "$1$"))
		return md5_crypt_form(r);
	if (starts_with(&r, "$5$"))
		return sha_crypt ? sha_crypt_form(r, 43) : SLOW_FORM_BAD;
	if (starts_with(&r, "$6$"))
		return sha_crypt ? sha_crypt_form(r, 86) : SLOW_FORM_BAD;
	if (starts_with(&r, "_"))
		return extended_des_form(r);
	return form_of(read_characters(&r, "./") == 13 && is_over(&r), true);
}

/* ---------- argon2id, scrypt ---------- */

/* Do the memory, and the memory that all passes go over, stay within the bounds? */
static bool
memory_is_bounded(uint64_t kilobytes, uint64_t passes)
{
	return kilobytes <= SLOW_MEMORY_MAX && passes <= SLOW_MEMORY_PASSES_MAX &&
		kilobytes * passes <= SLOW_MEMORY_PASSES_MAX;
}

SlowForm
slow_argon2id_form(const char *s, size_t len)
{
	Reader		r = {s, len};
	uint32_t	memory;
	uint32_t	passes;
	size_t		salt;
	size_t		hash;

	read_word(&r, "$argon2id$v=19$m=");
	memory = read_number(&r);
	read_word(&r, ",t=");
	passes = read_number(&r);
	read_word(&r, ",p=1$");
	salt = read_characters(&r, "+/");
	read_word(&r, "$");
	hash = read_characters(&r, "+/");
	return form_of(len < crypto_pwhash_argon2id_STRBYTES && memory >= 8 && passes >= 1 &&
				   salt >= 11 && hash >= 22 && is_over(&r),
				   memory_is_bounded(memory, passes));
}

SlowForm
slow_scrypt_form(const char *s, size_t len)
{
	Reader		r = {s, len};
	uint32_t	log_n;
	uint64_t	block;
	uint64_t	parallel;
	uint64_t	kilobytes;

	read_word(&r, "$7$");
	log_n = read_crypt_number(&r, 1);
	block = read_crypt_number(&r, 5);
	parallel = read_crypt_number(&r, 5);
	if (read_characters(&r, "./") != 43)
		return SLOW_FORM_BAD;
	read_word(&r, "$");
	if (read_characters(&r, "./") != 43 || !is_over(&r) ||
		log_n < 1 || block < 1 || parallel < 1)
		return SLOW_FORM_BAD;
	/* 128 bytes a block, N of them; block has 30 bits, so this does not wrap around */
	kilobytes = log_n > 30 ? UINT64_MAX : ((block << log_n) + 7) / 8;
	return memory_is_bounded(kilobytes, parallel) ? SLOW_FORM_OK : SLOW_FORM_EXPENSIVE;
}

/* ---------- PBKDF2 ---------- */

SlowForm
slow_pbkdf2_form(const char *s, size_t len, Pbkdf2Form *form)
{
	Reader		r = {s, len};
	const char *end;
	size_t		read;

	read_word(&r, "pbkdf2_sha256$");
	form->iterations = read_number(&r);
	read_word(&r, "$");
	form->salt = r.data;
	end = r.data == NULL ? NULL : memchr(r.data, '$', r.len);
	if (end == NULL || end == form->salt)
		return SLOW_FORM_BAD;
	form->salt_len = (size_t) (end - form->salt);
	skip_bytes(&r, form->salt_len + 1);
	return form_of(sodium_base642bin(form->hash, PBKDF2_LEN, r.data, r.len, NULL, &read, NULL,
									 sodium_base64_VARIANT_ORIGINAL) == 0 && read == PBKDF2_LEN,
				   form->iterations <= SLOW_PBKDF2_MAX);
}

/* How many iterations there are between two pauses: a few milliseconds. */
#define PBKDF2_PAUSE	8192

/*
 * PBKDF2 with HMAC-SHA256 (RFC 8018, section 5.2), its first block.  libsodium has the HMAC; its
 * state after the key is the same for each iteration.
 */
void
slow_pbkdf2(const Pbkdf2Form *form, const char *secret, size_t len, void (*pause) (void),
			uint8_t *out)
{
	static const unsigned char first_block[4] = {0, 0, 0, 1};
	crypto_auth_hmacsha256_state keyed;
	crypto_auth_hmacsha256_state state;
	uint8_t		u[PBKDF2_LEN];

	crypto_auth_hmacsha256_init(&keyed, (const unsigned char *) secret, len);
	state = keyed;
	crypto_auth_hmacsha256_update(&state, (const unsigned char *) form->salt, form->salt_len);
	crypto_auth_hmacsha256_update(&state, first_block, sizeof(first_block));
	crypto_auth_hmacsha256_final(&state, u);
	memcpy(out, u, PBKDF2_LEN);
	for (uint32_t i = 1; i < form->iterations; i++)
	{
		state = keyed;
		crypto_auth_hmacsha256_update(&state, u, sizeof(u));
		crypto_auth_hmacsha256_final(&state, u);
		for (size_t b = 0; b < PBKDF2_LEN; b++)
			out[b] ^= u[b];
		if (i % PBKDF2_PAUSE == 0)
			pause();
	}
	sodium_memzero(&keyed, sizeof(keyed));
	sodium_memzero(&state, sizeof(state));
	sodium_memzero(u, sizeof(u));
}
