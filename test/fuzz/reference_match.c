/*
 * reference_match.c
 *		Does one pattern match one path?  Slow and plain, to compare with.
 *
 * Written from the table of the language, not from pattern_core.c.  A pattern
 * is cut at its slashes; what stands between two of them is a template or a mix
 * of wildcards and letters.  Then a row of booleans is kept, one for each length
 * of the path's beginning: does the pattern so far match just that much?  Path and
 * letters are put into the normal form first.
 */
#include "reference_match.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reference_path.h"

/* The row before, the row that is made, and the path. */
typedef struct Rows
{
	const char *path;
	size_t		path_len;
	bool	   *before;
	bool	   *after;
} Rows;

static void
finish_row(Rows *rows)
{
	bool	   *made = rows->after;

	rows->after = rows->before;
	rows->before = made;
}

/* one letter */
static void
match_letter(Rows *rows, char letter)
{
	rows->after[0] = false;
	for (size_t n = 1; n <= rows->path_len; n++)
		rows->after[n] = rows->before[n - 1] && rows->path[n - 1] == letter;
	finish_row(rows);
}

/* one or more characters other than '/' */
static void
match_star(Rows *rows)
{
	rows->after[0] = false;
	for (size_t n = 1; n <= rows->path_len; n++)
		rows->after[n] = rows->path[n - 1] != '/' &&
			(rows->before[n - 1] || rows->after[n - 1]);
	finish_row(rows);
}

/* any characters, also none */
static void
match_globstar(Rows *rows)
{
	bool		any = false;

	for (size_t n = 0; n <= rows->path_len; n++)
	{
		any = any || rows->before[n];
		rows->after[n] = any;
	}
	finish_row(rows);
}

/* any characters, at least one */
static void
match_plus(Rows *rows)
{
	bool		any = false;

	for (size_t n = 0; n <= rows->path_len; n++)
	{
		rows->after[n] = any;
		any = any || rows->before[n];
	}
	finish_row(rows);
}

/* letters with no wildcard among them */
static void
match_letters(Rows *rows, const char *s, size_t len)
{
	char	   *normal = malloc(len + 1);

	if (normal == NULL)
		abort();
	len = reference_normal_form(s, len, normal);
	for (size_t i = 0; i < len; i++)
		match_letter(rows, normal[i]);
	free(normal);
}

/* "{name}", where the name is not empty and has no brace */
static bool
is_template(const char *segment, size_t len)
{
	if (len < 3 || segment[0] != '{' || segment[len - 1] != '}')
		return false;
	for (size_t i = 1; i < len - 1; i++)
	{
		if (segment[i] == '{' || segment[i] == '}')
			return false;
	}
	return true;
}

/* of a template: a name, '+', and no regular expression */
static bool
is_greedy(const char *segment, size_t len)
{
	size_t		colons = 0;

	for (size_t i = 0; i < len; i++)
		colons += segment[i] == ':';
	return colons == 0 && len >= 4 && segment[len - 2] == '+';
}

static void
match_segment(Rows *rows, const char *segment, size_t len)
{
	size_t		i = 0;

	if (is_template(segment, len))
	{
		if (is_greedy(segment, len))
			match_plus(rows);
		else
			match_star(rows);
		return;
	}
	while (i < len)
	{
		if (len - i >= 2 && segment[i] == '*' && segment[i + 1] == '*')
		{
			match_globstar(rows);
			i += 2;
		}
		else if (segment[i] == '*')
		{
			match_star(rows);
			i++;
		}
		else
		{
			size_t		letters = i;

			while (i < len && segment[i] != '*')
				i++;
			match_letters(rows, segment + letters, i - letters);
		}
	}
}

/* what stands between slashes, and the slashes */
static void
match_pattern(Rows *rows, const char *pattern, size_t len)
{
	size_t		start = 0;

	for (;;)
	{
		size_t		end = start;

		while (end < len && pattern[end] != '/')
			end++;
		match_segment(rows, pattern + start, end - start);
		if (end == len)
			break;
		match_letter(rows, '/');
		start = end + 1;
	}
}

bool
reference_match(const char *pattern, size_t pattern_len,
				const char *path, size_t path_len)
{
	Rows		rows = {NULL, 0, NULL, NULL};
	char	   *normal;
	bool		matches;

	if (pattern_len == 1 && pattern[0] == '/')
		return true;

	normal = malloc(path_len + 1);
	rows.before = calloc(path_len + 1, sizeof(bool));
	rows.after = calloc(path_len + 1, sizeof(bool));
	if (normal == NULL || rows.before == NULL || rows.after == NULL)
		abort();
	rows.path = normal;
	rows.path_len = reference_normal_form(path, path_len, normal);
	rows.before[0] = true;
	if (pattern_len > 0 && pattern[0] == '=')
		match_letters(&rows, pattern + 1, pattern_len - 1);
	else
		match_pattern(&rows, pattern, pattern_len);
	matches = rows.before[rows.path_len];
	free(normal);
	free(rows.before);
	free(rows.after);
	return matches;
}
