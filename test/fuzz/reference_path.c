/*
 * reference_path.c
 *		Which part of a request is the path, and may it be decided on?  Slow and
 *		plain, to compare with.
 *
 * Decodes the whole path first and looks at the result, where path_core.c does
 * both in one pass.
 */
#include "reference_path.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

size_t
reference_without_query(const char *path, size_t len)
{
	const char *query = memchr(path, '?', len);
	const char *fragment = memchr(path, '#', len);

	if (query != NULL)
		len = (size_t) (query - path);
	if (fragment != NULL && (size_t) (fragment - path) < len)
		len = (size_t) (fragment - path);
	return len;
}

/* Decode once into out, return its length; *slash if a '/' was encoded. */
static size_t
decode(const char *path, size_t len, char *out, bool *slash)
{
	size_t		n = 0;

	*slash = false;
	for (size_t i = 0; i < len; i++)
	{
		char		byte = path[i];

		if (byte == '%' && i + 2 < len && isxdigit((unsigned char) path[i + 1]) &&
			isxdigit((unsigned char) path[i + 2]))
		{
			char		digits[3] = {path[i + 1], path[i + 2], '\0'};

			byte = (char) strtol(digits, NULL, 16);
			*slash |= byte == '/';
			i += 2;
		}
		out[n++] = byte;
	}
	return n;
}

static bool
is_dots(const char *segment, size_t len)
{
	return (len == 1 && memcmp(segment, ".", 1) == 0) ||
		(len == 2 && memcmp(segment, "..", 2) == 0);
}

/* No control characters, and no segment that means a step in the tree. */
static bool
decoded_is_safe(const char *path, size_t len)
{
	size_t		start = 0;

	for (size_t i = 0; i < len; i++)
	{
		unsigned char byte = (unsigned char) path[i];

		if (byte <= 0x1F || byte == 0x7F)
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
	bool		slash;
	bool		safe;

	if (len > 8192)
		return false;
	decoded = malloc(len + 1);
	if (decoded == NULL)
		abort();
	len = decode(path, len, decoded, &slash);
	safe = !slash && decoded_is_safe(decoded, len);
	free(decoded);
	return safe;
}
