/*
 * fuzz_scope.c
 *		Fuzz target: expressions of scopes.
 *
 * The input is taken twice: as an expression, and as choices by which one is written
 * whose value is known.
 */
#include "fuzz.h"
#include "match/scope_core.h"

#define NAMES	5

/* as they are held, and as they are written */
static const char *const names[NAMES] = {"read", "write", "AND", "a(b)", "urn:x/y"};
static const char *const written[NAMES] = {"read", "write", "\"AND\"", "\"a(b)\"", "urn:x/y"};

typedef struct Writer
{
	FuzzInput	in;
	unsigned	held;			/* a bit for each name */
	char		text[SCOPE_MAX_LEN + 1];
	size_t		len;
	int			nnames;
} Writer;

static void
put(Writer *w, const char *s)
{
	size_t		len = strlen(s);

	CHECK(w->len + len <= SCOPE_MAX_LEN);
	memcpy(w->text + w->len, s, len);
	w->len += len;
}

static void
put_blanks(Writer *w)
{
	static const char *const blanks[] = {"", " ", "\t", "  "};

	put(w, blanks[fuzz_below(&w->in, 4)]);
}

static bool write_expression(Writer *w, int depth);

static bool
write_operand(Writer *w, int depth)
{
	unsigned	name = fuzz_below(&w->in, NAMES);
	bool		value;

	if (depth < 6 && w->nnames < 20 && fuzz_below(&w->in, 3) == 0)
	{
		put(w, "(");
		put_blanks(w);
		value = write_expression(w, depth + 1);
		put_blanks(w);
		put(w, ")");
		return value;
	}
	w->nnames++;
	put(w, written[name]);
	return w->held >> name & 1;
}

static bool
write_all(Writer *w, int depth)
{
	bool		value = write_operand(w, depth);

	while (w->nnames < 20 && fuzz_below(&w->in, 3) == 0)
	{
		put(w, " AND ");
		value &= write_operand(w, depth);
	}
	return value;
}

static bool
write_expression(Writer *w, int depth)
{
	bool		value = write_all(w, depth);

	while (w->nnames < 20 && fuzz_below(&w->in, 3) == 0)
	{
		put(w, " OR ");
		value |= write_all(w, depth);
	}
	return value;
}

/* What the expression says of the scopes that are held. */
static bool
holds(const ScopeStep *steps, int nsteps, unsigned held)
{
	Str			items[NAMES];
	StrList		scopes = {0, items};
	ScopeExpression expression = {nsteps, (ScopeStep *) steps};

	for (int i = 0; i < NAMES; i++)
	{
		if (held >> i & 1)
			items[scopes.count++] = (Str) {names[i], strlen(names[i])};
	}
	return scope_holds(&expression, &scopes);
}

static void
check_written(const uint8_t *data, size_t size)
{
	Writer		w = {.in = {data, size}};
	ScopeStep	steps[SCOPE_MAX_STEPS];
	int			nsteps;
	size_t		position;
	bool		expected;
	char	   *copy;

	w.held = fuzz_byte(&w.in);
	put_blanks(&w);
	expected = write_expression(&w, 0);
	put_blanks(&w);
	copy = fuzz_copy(w.text, w.len);
	CHECK(scope_parse((Str) {copy, w.len}, steps, &nsteps, &position) == SCOPE_OK);
	CHECK(nsteps == 2 * w.nnames - 1);
	CHECK(holds(steps, nsteps, w.held) == expected);
	free(copy);
}

/* Any bytes: what is accepted can be evaluated, what is not has a place in it. */
static void
check_any(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);
	ScopeStep	steps[SCOPE_MAX_STEPS];
	int			nsteps;
	size_t		position;
	ScopeError	error = scope_parse((Str) {copy, size}, steps, &nsteps, &position);
	int			results = 0;

	CHECK(position <= size);
	CHECK(size <= SCOPE_MAX_LEN || error == SCOPE_TOO_LONG);
	if (error == SCOPE_OK)
	{
		CHECK(position == size && nsteps >= 1 && nsteps <= SCOPE_MAX_STEPS);
		for (int i = 0; i < nsteps; i++)
		{
			results += steps[i].kind == SCOPE_NAME ? 1 : -1;
			CHECK(results >= 1);
			CHECK(steps[i].kind != SCOPE_NAME || steps[i].name.len > 0);
		}
		CHECK(results == 1);
		/* without NOT, more scopes never take anything away */
		CHECK(!holds(steps, nsteps, 0));
		CHECK(!holds(steps, nsteps, 5) || holds(steps, nsteps, 31));
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_any(data, size);
	check_written(data, size);
	return 0;
}
