/*
 * property_pattern.c
 *		The automaton of patterns against a plain matcher, on random patterns.
 *
 *	property_pattern [seconds] [seed]
 *
 * A fuzzer has to find out what patterns that meet look like; this program knows
 * it.  Patterns are made of few letters, share their beginnings and are full of
 * wildcards.  Paths are made from the patterns, so that many match, and are then
 * sometimes damaged.  The same seed gives the same patterns and paths.
 */
#include <stdbool.h>
#include <time.h>

#include "fuzz.h"
#include "reference_match.h"

#define MAX_PATTERNS	50
#define PATHS_A_SET		40
#define PATTERN_ROOM	48
#define PATH_ROOM		192

typedef struct Random
{
	uint64_t	state;
} Random;

typedef struct Text
{
	size_t		len;
	char		data[PATH_ROOM];
} Text;

typedef struct Totals
{
	uint64_t	seed;
	uint64_t	sets;
	uint64_t	checks;
	uint64_t	matches;
} Totals;

/* splitmix64 */
static uint64_t
random_next(Random *random)
{
	uint64_t	z = random->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static unsigned
below(Random *random, unsigned n)
{
	return (unsigned) (random_next(random) % n);
}

static void
append(Text *text, const char *s, size_t room)
{
	size_t		len = strlen(s);

	if (text->len + len > room)
		return;
	memcpy(text->data + text->len, s, len);
	text->len += len;
}

/* ---------- patterns ---------- */

static void
append_pieces(Random *random, Text *pattern, unsigned count)
{
	static const char *const pieces[] = {
		"/", "/", "/a", "/a", "/b", "a", "b", "ab", "*", "*", "**", "/*", "/**",
		"***", "/{a}", "/{id}", "/{}", "{a}", "/{a}b", "/{a*}", "{", "}", ".",
		"\xC3\xA9", "//", "/{a+}", "/{id+}", "/{+}", "{a+}", "/{a:b+}", "%61", "%c3%A9", "%2c",
		"%2A", "%7Ba%7d", "%", "%4", "+"
	};

	for (unsigned i = 0; i < count; i++)
		append(pattern, pieces[below(random, sizeof(pieces) / sizeof(pieces[0]))],
			   PATTERN_ROOM);
}

/* A new pattern; often one that begins as an earlier one does. */
static void
try_pattern(Random *random, Text *patterns, int number)
{
	Text	   *pattern = &patterns[number];

	pattern->len = 0;
	if (number > 0 && below(random, 3) > 0)
	{
		const Text *other = &patterns[below(random, (unsigned) number)];

		*pattern = *other;
		pattern->len = 1 + below(random, (unsigned) other->len);
	}
	else
		append(pattern, below(random, 5) == 0 ? "=/" : "/", PATTERN_ROOM);
	append_pieces(random, pattern, below(random, 6));
}

/* One that is valid: no beginning "=" alone, and no segment of dots. */
static void
make_pattern(Random *random, Text *patterns, int number)
{
	do
		try_pattern(random, patterns, number);
	while (pattern_check(patterns[number].data, patterns[number].len) != PATTERN_OK);
}

/* ---------- paths ---------- */

static void
append_filling(Random *random, Text *path, bool slashes)
{
	static const char *const fillings[] = {
		"a", "b", "ab", "c", "*", "{", "\xC3\xA9", "aa", "%62", "%C3%a9", "%2C", "%2c",
		"/", "/a", "b/", "//"
	};
	unsigned	n = below(random, 3) + !slashes;

	for (unsigned i = 0; i < n; i++)
		append(path, fillings[below(random, slashes ? 16 : 12)], PATH_ROOM);
}

/* A path that a pattern would match: its wildcards are filled in. */
static void
fill_pattern(Random *random, const Text *pattern, Text *path)
{
	for (size_t i = pattern->data[0] == '='; i < pattern->len; i++)
	{
		char		letter[2] = {pattern->data[i], '\0'};
		const char *close = letter[0] == '{' ?
			memchr(pattern->data + i, '}', pattern->len - i) : NULL;

		if (letter[0] == '*')
		{
			bool		twice = i + 1 < pattern->len && pattern->data[i + 1] == '*';

			append_filling(random, path, twice);
			i += twice;
		}
		else if (close != NULL && below(random, 4) > 0)
		{
			append_filling(random, path, close[-1] == '+');
			i = (size_t) (close - pattern->data);
		}
		else
			append(path, letter, PATH_ROOM);
	}
}

static void
damage(Random *random, Text *path)
{
	static const char letters[] = "/ab*{}c.%2=";
	size_t		at;

	if (path->len == 0)
		return;
	at = below(random, (unsigned) path->len);
	switch (below(random, 3))
	{
		case 0:
			path->data[at] = letters[below(random, sizeof(letters) - 1)];
			break;
		case 1:
			path->len--;
			memmove(path->data + at, path->data + at + 1, path->len - at);
			break;
		default:
			path->len = at;
			break;
	}
}

static void
make_path(Random *random, const Text *patterns, int npatterns, Text *path)
{
	path->len = 0;
	fill_pattern(random, &patterns[below(random, (unsigned) npatterns)], path);
	if (below(random, 3) == 0)
		damage(random, path);
}

/* ---------- the check ---------- */

static void
report_mismatch(const Totals *totals, const Text *pattern, const Text *path,
				bool expected)
{
	printf("mismatch: pattern \"%.*s\", path \"%.*s\": %s\n",
		   (int) pattern->len, pattern->data, (int) path->len, path->data,
		   expected ? "should match" : "should not match");
	printf("seed %llu, set %llu\n", (unsigned long long) totals->seed,
		   (unsigned long long) totals->sets);
	exit(1);
}

static void
check_path(Totals *totals, PatternSet *set, const Text *patterns, int npatterns,
		   const Text *path)
{
	char	   *exact = fuzz_copy(path->data, path->len);
	const int32_t *matched;
	int			n = pattern_set_match(set, exact, path->len, &matched);
	int			at = 0;

	/* the numbers ascend, so both lists are walked together */
	for (int i = 0; i < npatterns; i++)
	{
		bool		expected = reference_match(patterns[i].data, patterns[i].len,
											   exact, path->len);
		bool		got = at < n && matched[at] == i;

		if (got != expected)
			report_mismatch(totals, &patterns[i], path, expected);
		at += got;
		totals->checks++;
		totals->matches += got;
	}
	CHECK(at == n);
	free(exact);
}

static void
check_set(Random *random, Totals *totals)
{
	Text		patterns[MAX_PATTERNS];
	Text		paths[PATHS_A_SET];
	Str texts[MAX_PATTERNS];
	int			npatterns = 1 + (int) below(random, MAX_PATTERNS);
	size_t		dfa_limit = below(random, 2) ? 0 : below(random, 1 << 16);
	PatternSet *set;

	for (int i = 0; i < npatterns; i++)
	{
		make_pattern(random, patterns, i);
		texts[i] = (Str) {patterns[i].data, patterns[i].len};
	}
	set = pattern_set_build(texts, npatterns, dfa_limit, fuzz_memory());
	for (int i = 0; i < PATHS_A_SET; i++)
	{
		make_path(random, patterns, npatterns, &paths[i]);
		check_path(totals, set, patterns, npatterns, &paths[i]);
	}
	/* once more, by what the others left in the pool */
	for (int i = 0; i < PATHS_A_SET; i += 4)
		check_path(totals, set, patterns, npatterns, &paths[i]);
	pattern_set_free(set);
	totals->sets++;
}

int
main(int argc, char **argv)
{
	long		seconds = argc > 1 ? atol(argv[1]) : 10;
	Totals		totals = {argc > 2 ? strtoull(argv[2], NULL, 10) : 1, 0, 0, 0};
	Random		random = {totals.seed};
	time_t		end = time(NULL) + seconds;

	do
		check_set(&random, &totals);
	while (time(NULL) < end);

	printf("seed %llu: %llu sets, %llu checks, %llu matches\n",
		   (unsigned long long) totals.seed, (unsigned long long) totals.sets,
		   (unsigned long long) totals.checks, (unsigned long long) totals.matches);
	return 0;
}
