/*
 * reference_path.c
 *		Which part of a request is the path, and may it be decided on?  Slow and
 *		plain, to compare with.
 *
 * Decodes the whole path first and looks at the result, where path_core.c does
 * both in one pass.  What a segment is to a careless server is worked out by
 * doing what such a server does.
 */
#include "reference_path.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

size_t
reference_without_query(const char *path, size_t len)
{
	const char *query = memchr(path, '?', len);

	return query != NULL ? (size_t) (query - path) : len;
}

static bool
is_encoded(const char *path, size_t len, size_t at)
{
	return path[at] == '%' && at + 2 < len &&
		isxdigit((unsigned char) path[at + 1]) &&
		isxdigit((unsigned char) path[at + 2]);
}

static char
decoded_byte(const char *digits)
{
	char		copy[3] = {digits[0], digits[1], '\0'};

	return (char) strtol(copy, NULL, 16);
}

/* Decode once into out, return its length; *refused if something stands encoded that may not. */
static size_t
decode(const char *path, size_t len, char *out, bool *refused)
{
	size_t		n = 0;

	*refused = false;
	for (size_t i = 0; i < len; i++)
	{
		char		byte = path[i];

		*refused |= byte == '#';
		if (is_encoded(path, len, i))
		{
			byte = decoded_byte(path + i + 1);
			*refused |= byte == '/' || byte == '\xC0' || byte == '\xC1';
			i += 2;
		}
		out[n++] = byte;
	}
	return n;
}

/* A '.' or '..' alone, or with parameters. */
static bool
is_dots(const char *segment, size_t len)
{
	const char *parameters = memchr(segment, ';', len);

	if (parameters != NULL)
		len = (size_t) (parameters - segment);
	return (len == 1 && memcmp(segment, ".", 1) == 0) ||
		(len == 2 && memcmp(segment, "..", 2) == 0);
}

/* The bits that a sequence of UTF-8 starts with, and how few it may not have. */
static bool
is_overlong_start(unsigned char a, unsigned char b)
{
	if ((b & 0xC0) != 0x80)
		return false;
	if ((a & 0xE0) == 0xC0)
		return (a & 0x1E) == 0;
	return (a == 0xE0 && (b & 0x20) == 0) || (a == 0xF0 && (b & 0x30) == 0) ||
		(a == 0xF8 && (b & 0x38) == 0) || (a == 0xFC && (b & 0x3C) == 0);
}

/* No control characters, and no segment that means a step in the tree. */
static bool
decoded_is_safe(const char *path, size_t len)
{
	size_t		start = 0;

	for (size_t i = 0; i < len; i++)
	{
		unsigned char byte = (unsigned char) path[i];

		if (byte <= 0x1F || byte == 0x7F || byte == '\\')
			return false;
		if (i > 0 && is_overlong_start((unsigned char) path[i - 1], byte))
			return false;
	}
	for (size_t i = 0; i <= len; i++)
	{
		if (i < len && path[i] != '/')
			continue;
		if (is_dots(path + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

bool
reference_is_safe(const char *path, size_t len)
{
	char	   *decoded;
	bool		refused;
	bool		safe;

	if (len > 8192)
		return false;
	decoded = malloc(len + 1);
	if (decoded == NULL)
		abort();
	len = decode(path, len, decoded, &refused);
	safe = !refused && decoded_is_safe(decoded, len);
	free(decoded);
	return safe;
}

/*
 * The normal form, into out, which has room for len bytes.  Returns its length.
 * RFC 3986: reserved characters (and '%') stay encoded, with upper-case digits.
 */
size_t
reference_normal_form(const char *path, size_t len, char *out)
{
	static const char reserved[] = "!#$%&'()*+,/:;=?@[]";
	size_t		n = 0;

	for (size_t i = 0; i < len; i++)
	{
		char		byte;

		if (!is_encoded(path, len, i))
		{
			out[n++] = path[i];
			continue;
		}
		byte = decoded_byte(path + i + 1);
		if (memchr(reserved, byte, sizeof(reserved)) == NULL)
			out[n++] = byte;
		else
		{
			out[n++] = '%';
			out[n++] = (char) toupper((unsigned char) path[i + 1]);
			out[n++] = (char) toupper((unsigned char) path[i + 2]);
		}
		i += 2;
	}
	return n;
}
