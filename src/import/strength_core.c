/*
 * strength_core.c
 *		How hard a secret is to guess.  Needs no backend.
 *
 * The measure is the length times the bits of a character of the smallest alphabet that
 * holds all of them.  It is an upper limit, because nobody can tell whether the characters are
 * random.  A text that no alphabet holds counts as if each of its characters were one of
 * base64url, because people type such texts, and programs seldom make them.
 */
#include "import/strength_core.h"

#include <stdbool.h>
#include <string.h>

#define DIGITS	"0123456789"
#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define UPPER	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Alphabets that are written in either case stand here twice, because a secret has one of them. */
static const struct
{
	const char *characters;
	int			millibits;		/* of a character, rounded down */
}			alphabets[] = {
	{DIGITS, 3321},
	{DIGITS "abcdef", 4000},
	{DIGITS "ABCDEF", 4000},
	{"234567" LOWER, 5000},
	{"234567" UPPER, 5000},
	{DIGITS LOWER UPPER, 5954},
	{DIGITS LOWER UPPER "-_", 6000},
};

#define ALPHABETS	(sizeof(alphabets) / sizeof(alphabets[0]))

static bool
alphabet_holds(const char *characters, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] == '\0' || strchr(characters, s[i]) == NULL)
			return false;
	}
	return true;
}

/* Counts UTF-8 characters; a text that is not UTF-8 does not get more of them than it has bytes. */
static size_t
count_characters(const char *s, size_t len)
{
	size_t		n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char) s[i] & 0xC0) != 0x80;
	return n;
}

/* Rounded down. */
int
strength_bits(const char *s, size_t len)
{
	int			millibits = alphabets[ALPHABETS - 1].millibits;

	for (size_t i = 0; i < ALPHABETS; i++)
	{
		if (alphabet_holds(alphabets[i].characters, s, len))
		{
			millibits = alphabets[i].millibits;
			break;
		}
	}
	return (int) (count_characters(s, len) * (size_t) millibits / 1000);
}
