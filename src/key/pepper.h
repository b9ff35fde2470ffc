/*
 * pepper.h
 *		The keys of the digests.
 */
#ifndef DEVAPP_PEPPER_H
#define DEVAPP_PEPPER_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "base/numbered_keys.h"

#define PEPPER_NONE			0	/* number of the digests that are unkeyed */
#define PEPPER_MAX_NUMBER	NUMBERED_KEYS_MAX_NUMBER
#define PEPPER_MAX_COUNT	NUMBERED_KEYS_MAX_COUNT
#define PEPPER_FINGERPRINT_LEN	16

typedef NumberedKey Pepper;

extern bool pepper_look_again(TimestampTz now);
extern bool pepper_file_is_usable(void);
extern const Pepper *pepper_newest(void);
extern const Pepper *pepper_find(int number);
extern const Pepper *pepper_find_by_fingerprint(const uint8 *fingerprint);
extern int	pepper_count(void);
extern const Pepper *pepper_nth(int n);
extern void pepper_define_gucs(void);

#endif							/* DEVAPP_PEPPER_H */
