/*
 * utf8.h
 *		Characters in UTF-8.  Needs no backend.
 */
#ifndef DEVAPP_UTF8_H
#define DEVAPP_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Length of the UTF-8 character at s, which is not ASCII; 0: it is not one. */
static inline size_t
utf8_length(const char *s, const char *end)
{
	const unsigned char *u = (const unsigned char *) s;
	size_t		len = u[0] >= 0xF0 ? 4 : u[0] >= 0xE0 ? 3 : 2;
	unsigned char low = 0x80;
	unsigned char high = 0xBF;

	if (u[0] < 0xC2 || u[0] > 0xF4 || (size_t) (end - s) < len)
		return 0;
	if (u[0] == 0xE0)
		low = 0xA0;				/* else overlong */
	else if (u[0] == 0xED)
		high = 0x9F;			/* else a surrogate */
	else if (u[0] == 0xF0)
		low = 0x90;				/* else overlong */
	else if (u[0] == 0xF4)
		high = 0x8F;			/* else beyond U+10FFFF */
	if (u[1] < low || u[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
	{
		if (u[i] < 0x80 || u[i] > 0xBF)
			return 0;
	}
	return len;
}

/* Is it all UTF-8, without a zero? */
static inline bool
utf8_is_valid(Str s)
{
	const char *end = s.data + s.len;

	for (const char *at = s.data; at < end;)
	{
		size_t		len = (unsigned char) *at >= 0x80 ? utf8_length(at, end) : *at != '\0';

		if (len == 0)
			return false;
		at += len;
	}
	return true;
}

#endif							/* DEVAPP_UTF8_H */
