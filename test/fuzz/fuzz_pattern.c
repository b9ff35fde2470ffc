/*
 * fuzz_pattern.c
 *		Fuzz target: the automaton of patterns against a plain matcher.
 *
 * The first byte of the input chooses how small the automaton's pool is.  The
 * rest are lines: one that starts with '>' is a path, any other a pattern.  The
 * empty path is always tried.  Each path is matched as the pool is found, again
 * when it is warm, and once more after all the others.
 */
#include <stdbool.h>
#include <time.h>

#include "fuzz.h"
#include "reference_match.h"
#include "reference_path.h"

#define MAX_PATTERNS	48
#define MAX_PATHS		16

typedef struct Case
{
	int			npatterns;
	Str patterns[MAX_PATTERNS];
	int			npaths;
	Str paths[MAX_PATHS];
	size_t		pattern_bytes;
} Case;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

/* ---------- memory that is counted ---------- */

#define HEADER	16				/* keeps the alignment of malloc */

static void *
counted_alloc(void *arg, size_t size)
{
	char	   *block = fuzz_alloc(NULL, size + HEADER);

	memcpy(block, &size, sizeof(size));
	*(size_t *) arg += size;
	return block + HEADER;
}

static void
counted_release(void *arg, void *ptr)
{
	size_t		size;

	memcpy(&size, (char *) ptr - HEADER, sizeof(size));
	*(size_t *) arg -= size;
	free((char *) ptr - HEADER);
}

/*
 * The pool has room for dfa_limit bytes, or for three of the largest states if
 * that is more; states and their hash table are in proportion to it.
 */
static size_t
memory_bound(const Case *c, size_t dfa_limit)
{
	size_t		floor = 3 * 4 * (400 + c->pattern_bytes + (size_t) c->npatterns);

	return 3 * (dfa_limit > floor ? dfa_limit : floor) +
		64 * c->pattern_bytes + 16 * (size_t) c->npatterns + 8192;
}

/* ---------- the input ---------- */

/* Is this "{name}" a whole segment?  Then *end is where it ends. */
static bool
template_at(const char *s, size_t len, size_t at, size_t *end)
{
	size_t		close = at + 1;

	if (s[at] != '{' || s[at - 1] != '/')
		return false;
	while (close < len && strchr("{}/", s[close]) == NULL)
		close++;
	*end = close + 1;
	return close < len && s[close] == '}' && close > at + 1 &&
		(*end == len || s[*end] == '/');
}

/* Would a path that the pattern matches be let pass: one with "x" for what is variable? */
static bool
reference_can_match(const char *s, size_t len)
{
	char		path[1024];
	size_t		n = 0;
	bool		exact = s[0] == '=';

	for (size_t i = exact; i < len; i++)
	{
		size_t		end;

		path[n] = s[i];
		if (!exact && s[i] == '*')
			path[n] = 'x';
		else if (!exact && i > 0 && template_at(s, len, i, &end))
		{
			path[n] = 'x';
			i = end - 1;
		}
		else if (s[i] == '?')
			return false;
		n++;
	}
	return reference_is_safe(path, n);
}

static bool
reference_pattern_is_valid(const char *s, size_t len)
{
	bool		control = false;

	for (size_t i = 0; i < len; i++)
		control |= (unsigned char) s[i] < ' ' || s[i] == '\177';
	if (control || len > 1024 || len == 0)
		return false;
	if (s[0] != '/' && !(len > 1 && memcmp(s, "=/", 2) == 0))
		return false;
	return reference_can_match(s, len);
}

static void
add_line(Case *c, const char *line, size_t len)
{
	if (len > 0 && line[0] == '>')
	{
		if (c->npaths < MAX_PATHS)
			c->paths[c->npaths++] = (Str) {fuzz_copy(line + 1, len - 1), len - 1};
		return;
	}
	CHECK((pattern_check(line, len) == PATTERN_OK) ==
		  reference_pattern_is_valid(line, len));
	if (c->npatterns == MAX_PATTERNS || pattern_check(line, len) != PATTERN_OK)
		return;
	c->patterns[c->npatterns++] = (Str) {fuzz_copy(line, len), len};
	c->pattern_bytes += len;
}

static void
read_case(Case *c, const char *s, size_t len)
{
	size_t		start = 0;

	memset(c, 0, sizeof(*c));
	c->paths[c->npaths++] = (Str) {fuzz_copy("", 0), 0};
	for (size_t i = 0; i <= len; i++)
	{
		if (i < len && s[i] != '\n')
			continue;
		add_line(c, s + start, i - start);
		start = i + 1;
	}
}

static void
free_case(Case *c)
{
	for (int i = 0; i < c->npatterns; i++)
		free((void *) c->patterns[i].data);
	for (int i = 0; i < c->npaths; i++)
		free((void *) c->paths[i].data);
}

/* ---------- the checks ---------- */

static double
cpu_seconds(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static void
check_match(const Case *c, PatternSet *set, Str path, const bool *expected)
{
	const int32_t *matched;
	double		start = cpu_seconds();
	int			n = pattern_set_match(set, path.data, path.len, &matched);
	double		spent = cpu_seconds() - start;
	bool		found[MAX_PATTERNS] = {false};

	/* linear in the path: per byte, the nodes and the pool that they size */
	CHECK(spent < 1.0 + 1e-6 * (double) path.len * (double) (c->pattern_bytes + 4000));

	CHECK(n >= 0 && n <= c->npatterns);
	for (int i = 0; i < n; i++)
	{
		CHECK(matched[i] >= 0 && matched[i] < c->npatterns);
		CHECK(i == 0 || matched[i - 1] < matched[i]);
		found[matched[i]] = true;
	}
	for (int i = 0; i < c->npatterns; i++)
	{
		if (found[i] == expected[i])
			continue;
		fprintf(stderr, "pattern \"%.*s\" and path \"%.*s\": expected %s\n",
				(int) c->patterns[i].len, c->patterns[i].data,
				(int) path.len, path.data, expected[i] ? "a match" : "no match");
		CHECK(found[i] == expected[i]);
	}
}

/* How two patterns rank must not depend on who asks. */
static void
check_rank(const Case *c)
{
	for (int i = 0; i + 1 < c->npatterns; i++)
	{
		int			order = pattern_compare_rank(c->patterns[i], c->patterns[i + 1]);
		int			other = pattern_compare_rank(c->patterns[i + 1], c->patterns[i]);

		CHECK((order < 0) == (other > 0) && (order > 0) == (other < 0));
		CHECK(pattern_compare_rank(c->patterns[i], c->patterns[i]) == 0);
	}
}

static void
check_case(const Case *c, size_t dfa_limit)
{
	size_t		used = 0;
	PatternMemory memory = {counted_alloc, counted_release, &used};
	PatternSet *set = pattern_set_build(c->patterns, c->npatterns, dfa_limit, memory);
	bool		expected[MAX_PATHS][MAX_PATTERNS];

	for (int i = 0; i < c->npaths; i++)
	{
		for (int j = 0; j < c->npatterns; j++)
			expected[i][j] = reference_match(c->patterns[j].data, c->patterns[j].len,
											 c->paths[i].data, c->paths[i].len);
		check_match(c, set, c->paths[i], expected[i]);
		check_match(c, set, c->paths[i], expected[i]);
	}
	for (int i = c->npaths - 1; i >= 0; i--)
		check_match(c, set, c->paths[i], expected[i]);
	CHECK(used <= memory_bound(c, dfa_limit));
	pattern_set_free(set);
	CHECK(used == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Case		c;

	if (size == 0)
		return 0;
	read_case(&c, (const char *) data + 1, size - 1);
	check_rank(&c);
	check_case(&c, (size_t) data[0] * 32);
	free_case(&c);
	return 0;
}
