/*
 * slow_hash_core.h
 *		Hashes of passwords, as other systems write them.  Needs no backend.
 */
#ifndef DEVAPP_SLOW_HASH_CORE_H
#define DEVAPP_SLOW_HASH_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bounds of what a hash may cost.  One that costs more would keep a processor busy
 * for seconds, or take memory that the server does not have.
 */
#define SLOW_MEMORY_MAX			(256 * 1024)	/* kB: argon2id, scrypt */
#define SLOW_MEMORY_PASSES_MAX	(1024 * 1024)	/* kB that all passes together go over */
#define SLOW_BCRYPT_COST_MAX	14
#define SLOW_DES_COUNT_MAX		1000000
#define SLOW_SHA_ROUNDS_MAX		1000000
#define SLOW_PBKDF2_MAX			2000000

typedef enum SlowForm
{
	SLOW_FORM_OK,
	SLOW_FORM_BAD,				/* it does not have the form of this scheme */
	SLOW_FORM_EXPENSIVE			/* it is above a bound */
} SlowForm;

#define PBKDF2_LEN	32

/* A hash of PBKDF2, taken apart; salt points into it. */
typedef struct Pbkdf2Form
{
	uint32_t	iterations;
	const char *salt;
	size_t		salt_len;
	uint8_t		hash[PBKDF2_LEN];
} Pbkdf2Form;

extern SlowForm slow_crypt_form(const char *s, size_t len, bool sha_crypt);
extern void slow_bcrypt_clear_padding(char *hash);
extern SlowForm slow_argon2id_form(const char *s, size_t len);
extern SlowForm slow_scrypt_form(const char *s, size_t len);
extern SlowForm slow_pbkdf2_form(const char *s, size_t len, Pbkdf2Form *form);

extern void slow_pbkdf2(const Pbkdf2Form *form, const char *secret, size_t len,
						void (*pause) (void), uint8_t *out);

#endif							/* DEVAPP_SLOW_HASH_CORE_H */
