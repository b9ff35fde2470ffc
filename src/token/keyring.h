/*
 * keyring.h
 *		Sealing what must not be in the database in plain text.
 */
#ifndef DEVAPP_KEYRING_H
#define DEVAPP_KEYRING_H

#include "postgres.h"

#include "base/str.h"

/* What was unsealed, in memory from sodium_malloc(). */
typedef struct Unsealed
{
	unsigned char *data;		/* NULL: nothing */
	size_t		len;
} Unsealed;

/* An error if the keyring is not usable; else the number of what was read, another after each change. */
extern uint64 keyring_require(void);

/*
 * The subject is what the bytes belong to, such as "signing_key/<kid>": they can be
 * unsealed for the same subject only.
 */
extern bytea *keyring_seal(const char *subject, const unsigned char *plain, size_t len);
extern Unsealed keyring_unseal(const char *subject, Str sealed);
extern Unsealed keyring_unseal_for_verdict(const char *subject, Str sealed);
/* Room for a plaintext, to be wiped; an error if there is none. */
extern Unsealed keyring_room(size_t len);
extern void keyring_wipe(Unsealed *unsealed);

extern void keyring_define_gucs(void);

#endif							/* DEVAPP_KEYRING_H */
