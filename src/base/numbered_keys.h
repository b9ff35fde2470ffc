/*
 * numbered_keys.h
 *		Files with numbered keys, and what was read of them.
 */
#ifndef DEVAPP_NUMBERED_KEYS_H
#define DEVAPP_NUMBERED_KEYS_H

#include "postgres.h"

#include "base/key_file.h"

#define NUMBERED_KEYS_MAX_NUMBER	65535
#define NUMBERED_KEYS_MAX_COUNT		64
#define NUMBERED_KEY_MIN_BYTES		16
#define NUMBERED_KEY_MAX_BYTES		64

typedef struct NumberedKey
{
	int			number;
	size_t		len;
	unsigned char key[NUMBERED_KEY_MAX_BYTES];
} NumberedKey;

/* A file that a setting names.  Its user fills in what it is, the rest is what was read. */
typedef struct NumberedKeys
{
	char	  **setting;		/* name of the file; empty: there is none */
	KeyFileKind kind;
	const char *no_key;			/* the problem of a file without a key */
	const char *too_many;

	char	   *name;			/* that was read, or NULL */
	struct stat stat;
	int			count;
	NumberedKey *keys;			/* ascending by number */
	bool		has_lost_one;	/* a key has gone; whoever looks at it resets it */
	int64		complained_at;	/* when the log was last told that it is not usable */
} NumberedKeys;

extern bool numbered_keys_configured(const NumberedKeys *f);
extern bool numbered_keys_loaded(const NumberedKeys *f);
extern bool numbered_keys_changed(const NumberedKeys *f);
extern bool numbered_keys_load(NumberedKeys *f, int elevel);
extern bool numbered_keys_load_for_verdict(NumberedKeys *f);
extern void numbered_keys_forget(NumberedKeys *f);
extern const NumberedKey *numbered_keys_find(const NumberedKeys *f, int number);

#endif							/* DEVAPP_NUMBERED_KEYS_H */
