/*
 * path_core.c
 *		The path of a request: cut off the query, refuse what could mean another
 *		path further on.  Needs no backend.
 *
 * A gateway decides on the path as it was sent, the server behind it on what it
 * makes of it.  Where the two could differ, the decision would be about another
 * resource than the one that is served: '.' and '..' segments (also written
 * with %2e), encoded slashes, NUL and control characters (plain or encoded).
 * Such a path is refused whatever the patterns say.
 */
#include "match/path_core.h"

/* How much of s is the path: all before the first '?' or '#'. */
size_t
path_without_query(const char *s, size_t len)
{
	size_t		n = 0;

	while (n < len && s[n] != '?' && s[n] != '#')
		n++;
	return n;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte at *pos, percent-decoded once; *pos moves past it. */
static int
next_byte(const char *s, size_t len, size_t *pos, bool *encoded)
{
	size_t		i = *pos;

	*encoded = false;
	if (s[i] == '%' && len - i > 2)
	{
		int			high = hex_value(s[i + 1]);
		int			low = hex_value(s[i + 2]);

		if (high >= 0 && low >= 0)
		{
			*encoded = true;
			*pos = i + 3;
			return high * 16 + low;
		}
	}
	*pos = i + 1;
	return (unsigned char) s[i];
}

bool
path_is_safe(const char *s, size_t len)
{
	size_t		pos = 0;
	int			dots = 0;		/* of the segment so far, if it is only dots */
	bool		only_dots = true;

	if (len > PATH_MAX_LEN)
		return false;
	while (pos < len)
	{
		bool		encoded;
		int			byte = next_byte(s, len, &pos, &encoded);

		if (byte < 0x20 || byte == 0x7F)
			return false;
		if (byte == '/')
		{
			if (encoded || (only_dots && (dots == 1 || dots == 2)))
				return false;
			dots = 0;
			only_dots = true;
		}
		else if (byte == '.')
			dots++;
		else
			only_dots = false;
	}
	return !(only_dots && (dots == 1 || dots == 2));
}
