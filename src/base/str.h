/*
 * str.h
 *		A string that somebody else owns.  Needs no backend.
 */
#ifndef DEVAPP_STR_H
#define DEVAPP_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Not ended by a zero; data is NULL where there is none. */
typedef struct Str
{
	const char *data;
	size_t		len;
} Str;

typedef struct StrList
{
	int			count;
	Str		   *items;
} StrList;

static inline bool
str_equal(Str a, Str b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static inline bool
str_is(Str s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.data, word, s.len) == 0;
}

static inline bool
str_list_has(const StrList *list, Str s)
{
	for (int i = 0; i < list->count; i++)
	{
		if (str_equal(list->items[i], s))
			return true;
	}
	return false;
}

/* Has it no other characters than printable ASCII and the space? */
static inline bool
str_is_printable_ascii(Str s)
{
	for (size_t i = 0; i < s.len; i++)
	{
		if (s.data[i] < ' ' || s.data[i] > '~')
			return false;
	}
	return true;
}

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* Without regard to the case of ASCII letters. */
static inline bool
str_equal_nocase(Str a, const char *b, size_t b_len)
{
	if (a.len != b_len)
		return false;
	for (size_t i = 0; i < b_len; i++)
	{
		if (a.data[i] != b[i] && ascii_lower(a.data[i]) != ascii_lower(b[i]))
			return false;
	}
	return true;
}

#endif							/* DEVAPP_STR_H */
