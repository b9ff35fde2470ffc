/*
 * path_core.c
 *		The path of a request: cut off the query, refuse what could mean another
 *		path further on, read the bytes that are compared.  Needs no backend.
 *
 * A gateway decides on the path as it was sent, the server behind it on what it
 * makes of it.  Where the two could differ, the decision would be about another
 * resource than the one that is served.  Such a path is refused whatever the
 * patterns say:
 *
 *	- a segment '.' or '..', also with %2e, also before a ';' (servers that know
 *	  parameters in segments cut them off first)
 *	- an encoded slash, and a backslash in any form: some servers take both for '/'
 *	- a character in more bytes of UTF-8 than it takes (%c0%ae for a dot)
 *	- a '#', which servers cut off or not
 *	- control characters, plain or encoded
 *
 * What is compared is the normal form of RFC 3986, section 6.2.2: an encoded
 * byte that needs no encoding is that byte, and the digits of the others are in
 * upper case.  Bytes that may not stand in a URI at all (those of other letters
 * than ASCII's, blanks, braces) can't be sent but encoded, so they are decoded as
 * well, and a pattern may be written with them.  A path without '%' is its own
 * normal form.
 */
#include "match/path_core.h"

#include <string.h>

/* How much of s is the path: all before the first '?'. */
size_t
path_without_query(const char *s, size_t len)
{
	const char *query = len > 0 ? memchr(s, '?', len) : NULL;

	return query ? (size_t) (query - s) : len;
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

/* The byte that a "%XX" at pos stands for, or -1 if there is none. */
static int
encoded_byte(const char *s, size_t len, size_t pos)
{
	int			high;
	int			low;

	if (s[pos] != '%' || len - pos <= 2)
		return -1;
	high = hex_value(s[pos + 1]);
	low = hex_value(s[pos + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* ---------- what is refused ---------- */

/* What stands in the segment so far. */
typedef enum SegmentState
{
	SEGMENT_EMPTY,
	SEGMENT_DOT,
	SEGMENT_DOTS,
	SEGMENT_OTHER
} SegmentState;

static SegmentState
segment_next(SegmentState state, int byte)
{
	if (byte == '/')
		return SEGMENT_EMPTY;
	if (byte == '.' && state < SEGMENT_DOTS)
		return state + 1;
	return SEGMENT_OTHER;
}

static bool
is_dot_segment(SegmentState state)
{
	return state == SEGMENT_DOT || state == SEGMENT_DOTS;
}

/* These two begin a character in more bytes of UTF-8 than it takes. */
static bool
is_overlong(int lead, int byte)
{
	switch (lead)
	{
		case 0xC0:
		case 0xC1:
			return byte >= 0x80 && byte <= 0xBF;
		case 0xE0:
			return byte >= 0x80 && byte <= 0x9F;
		case 0xF0:
			return byte >= 0x80 && byte <= 0x8F;
		case 0xF8:
			return byte >= 0x80 && byte <= 0x87;
		case 0xFC:
			return byte >= 0x80 && byte <= 0x83;
		default:
			return false;
	}
}

/* Is this byte refused wherever it stands? */
static bool
is_refused_byte(int byte, bool encoded)
{
	if (byte < 0x20 || byte == 0x7F || byte == '\\')
		return true;
	if (encoded)
		/* UTF-8 has no 0xC0 and 0xC1: what follows them may be any byte */
		return byte == '/' || byte == 0xC0 || byte == 0xC1;
	return byte == '#';
}

/* path_is_safe() from a byte that has to be looked at, at the start of a segment. */
static bool
rest_is_safe(const char *s, size_t len)
{
	SegmentState state = SEGMENT_EMPTY;
	int			previous = 0;
	size_t		pos = 0;

	while (pos < len)
	{
		int			decoded = encoded_byte(s, len, pos);
		int			byte = decoded >= 0 ? decoded : (unsigned char) s[pos];

		if (is_refused_byte(byte, decoded >= 0) || is_overlong(previous, byte))
			return false;
		if ((byte == '/' || byte == ';') && is_dot_segment(state))
			return false;
		state = segment_next(state, byte);
		previous = byte;
		pos += decoded >= 0 ? 3 : 1;
	}
	return !is_dot_segment(state);
}

/* The bytes that a rule is about, and with them all control characters. */
static const bool is_special[256] = {
	true, true, true, true, true, true, true, true,
	true, true, true, true, true, true, true, true,
	true, true, true, true, true, true, true, true,
	true, true, true, true, true, true, true, true,
	['#'] = true, ['%'] = true, ['.'] = true, ['\\'] = true, [0x7F] = true,
	[0xC0] = true, [0xC1] = true, [0xE0] = true, [0xF0] = true, [0xF8] = true,
	[0xFC] = true
};

bool
path_is_safe(const char *s, size_t len)
{
	size_t		pos = 0;

	if (len > PATH_MAX_LEN)
		return false;
	/* a dot matters where it begins a segment, and a ';' after such a dot */
	while (pos < len && (!is_special[(unsigned char) s[pos]] ||
						 (s[pos] == '.' && pos > 0 && s[pos - 1] != '/')))
		pos++;
	if (pos == len)
		return true;
	while (pos > 0 && s[pos - 1] != '/')
		pos--;
	return rest_is_safe(s + pos, len - pos);
}

/* ---------- what is compared ---------- */

/* Does an encoded byte mean another thing than the byte? */
static bool
is_delimiter(int byte)
{
	switch (byte)
	{
		case ':': case '/': case '?': case '#': case '[': case ']': case '@':
		case '!': case '$': case '&': case '\'': case '(': case ')': case '*':
		case '+': case ',': case ';': case '=': case '%':
			return true;
		default:
			return false;
	}
}

/* The next byte of the normal form; only while pos < len. */
unsigned char
path_read_byte(PathReader *reader)
{
	char		c = reader->data[reader->pos];
	int			decoded;

	if (reader->pos < reader->digits_end)
	{
		reader->pos++;
		return (unsigned char) (c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
	}
	decoded = encoded_byte(reader->data, reader->len, reader->pos);
	if (decoded >= 0 && !is_delimiter(decoded))
	{
		reader->pos += 3;
		return (unsigned char) decoded;
	}
	reader->pos++;
	if (decoded >= 0)
		reader->digits_end = reader->pos + 2;
	return (unsigned char) c;
}
