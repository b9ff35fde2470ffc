/*
 * scope.c
 *		Expressions of scopes in a backend.
 *
 * A gateway has a handful of expressions, one for each of its routes, so what was
 * compiled is kept: in a table of fixed size, where an expression replaces the one that
 * has the same place.  What scope_compile() returns is good until it is called again.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "match/scope.h"

#define SCOPE_SLOTS	64			/* a power of two */

/* In one piece with its steps and the text that they point into. */
typedef struct KnownScope
{
	Str			text;
	ScopeExpression expression;
} KnownScope;

static KnownScope *known_scopes[SCOPE_SLOTS];

static const char *
scope_error_text(ScopeError error)
{
	switch (error)
	{
		case SCOPE_TOO_LONG:
			return "It is too long.";
		case SCOPE_TOO_MANY:
			return "It names too many scopes.";
		case SCOPE_TOO_DEEP:
			return "Its parentheses are nested too deeply.";
		case SCOPE_CHARACTER:
			return "Character %d is not allowed in a scope.";
		case SCOPE_NO_NAME:
			return "A scope is missing at character %d.";
		case SCOPE_NO_OPERATOR:
			return "AND or OR is missing at character %d.";
		case SCOPE_OPEN:
			return "The parenthesis opened at character %d is not closed.";
		case SCOPE_CLOSED:
		case SCOPE_OK:
			break;
	}
	return "The parenthesis closed at character %d was not opened.";
}

/* The expression itself is not shown: what was put here by mistake may be a key. */
static void
refuse_scope(ScopeError error, Str text, size_t position)
{
	int			character = text.len > SCOPE_MAX_LEN ? 0 :
		pg_mbstrlen_with_len(text.data, (int) position) + 1;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("malformed scope expression"),
			 errdetail_internal(scope_error_text(error), character),
			 errhint("Give a scope, or join scopes with AND, OR and parentheses, like \"read AND (write OR admin)\".")));
}

/* With a place for steps and text of this size behind it. */
static KnownScope *
keep_scope(Str text, const ScopeStep *steps, int nsteps)
{
	Size		steps_size = sizeof(ScopeStep) * (Size) nsteps;
	char	   *chunk = MemoryContextAlloc(TopMemoryContext,
										   sizeof(KnownScope) + steps_size + text.len);
	KnownScope *known = (KnownScope *) chunk;
	char	   *copy = chunk + sizeof(KnownScope) + steps_size;

	memcpy(copy, text.data, text.len);
	known->text = (Str) {copy, text.len};
	known->expression.nsteps = nsteps;
	known->expression.steps = (ScopeStep *) (chunk + sizeof(KnownScope));
	memcpy(known->expression.steps, steps, steps_size);
	for (int i = 0; i < nsteps; i++)
	{
		ScopeStep  *step = &known->expression.steps[i];

		if (step->kind == SCOPE_NAME)
			step->name.data = copy + (step->name.data - text.data);
	}
	return known;
}

const ScopeExpression *
scope_compile(Str text)
{
	uint32		slot = hash_bytes((const unsigned char *) text.data, (int) text.len) % SCOPE_SLOTS;
	KnownScope *known = known_scopes[slot];
	ScopeStep	steps[SCOPE_MAX_STEPS];
	int			nsteps;
	size_t		position;
	ScopeError	error;

	if (known != NULL && str_equal(known->text, text))
		return &known->expression;
	error = scope_parse(text, steps, &nsteps, &position);
	if (error != SCOPE_OK)
		refuse_scope(error, text, position);
	known_scopes[slot] = keep_scope(text, steps, nsteps);
	if (known != NULL)
		pfree(known);
	return &known_scopes[slot]->expression;
}
