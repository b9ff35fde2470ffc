/*
 * pepper.h
 *		The keys of the digests.
 */
#ifndef DEVAPP_PEPPER_H
#define DEVAPP_PEPPER_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define PEPPER_NONE			0	/* number of the digests that are unkeyed */
#define PEPPER_MAX_NUMBER	65535
#define PEPPER_MAX_COUNT	64
#define PEPPER_MIN_BYTES	16
#define PEPPER_MAX_BYTES	64

typedef struct Pepper
{
	int			number;
	size_t		len;
	unsigned char key[PEPPER_MAX_BYTES];
} Pepper;

extern bool pepper_look_again(TimestampTz now);
extern bool pepper_file_is_usable(void);
extern const Pepper *pepper_newest(void);
extern const Pepper *pepper_find(int number);
extern int	pepper_count(void);
extern const Pepper *pepper_nth(int n);
extern void pepper_define_gucs(void);

#endif							/* DEVAPP_PEPPER_H */
