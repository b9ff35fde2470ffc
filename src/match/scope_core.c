/*
 * scope_core.c
 *		Expressions that say which scopes a call needs.  Needs no backend.
 *
 *		expression = all { "OR" all }
 *		all        = operand { "AND" operand }
 *		operand    = name | '"' name '"' | "(" expression ")"
 *
 * A name is a scope as RFC 6749 (section 3.3) has it.  One that contains a parenthesis,
 * or is AND or OR itself, stands in quotation marks, which no scope contains.  An
 * expression becomes a list of steps with the operators behind what they join, and a
 * bit for each intermediate result is all that evaluating it needs.
 */
#include "match/scope_core.h"

#include <stdint.h>

typedef struct ScopeParser
{
	Str			text;
	size_t		position;
	int			depth;
	int			nnames;
	ScopeStep  *steps;
	int			nsteps;
} ScopeParser;

static ScopeError parse_expression(ScopeParser *p);

/* RFC 6749: printable ASCII but for the space, the quotation mark and the backslash */
bool
scope_is_character(char c)
{
	return c > ' ' && c <= '~' && c != '"' && c != '\\';
}

static bool
at_end(const ScopeParser *p)
{
	return p->position == p->text.len;
}

static bool
at_character(const ScopeParser *p, char c)
{
	return !at_end(p) && p->text.data[p->position] == c;
}

static void
skip_blanks(ScopeParser *p)
{
	while (at_character(p, ' ') || at_character(p, '\t'))
		p->position++;
}

/* The bare word that starts here; empty if there is none. */
static Str
next_word(const ScopeParser *p)
{
	Str			word = {p->text.data + p->position, 0};

	while (p->position + word.len < p->text.len)
	{
		char		c = word.data[word.len];

		if (!scope_is_character(c) || c == '(' || c == ')')
			break;
		word.len++;
	}
	return word;
}

static bool
is_operator(Str word)
{
	return str_is(word, "AND") || str_is(word, "OR");
}

static void
add_step(ScopeParser *p, ScopeStepKind kind, Str name)
{
	p->steps[p->nsteps++] = (ScopeStep) {kind, name};
}

static ScopeError
add_name(ScopeParser *p, Str name)
{
	if (++p->nnames > SCOPE_MAX_NAMES)
		return SCOPE_TOO_MANY;
	add_step(p, SCOPE_NAME, name);
	return SCOPE_OK;
}

static ScopeError
parse_quoted(ScopeParser *p)
{
	size_t		opened = p->position++;
	Str			name = {p->text.data + p->position, 0};

	while (!at_end(p) && scope_is_character(p->text.data[p->position]))
	{
		p->position++;
		name.len++;
	}
	if (at_end(p))
	{
		p->position = opened;
		return SCOPE_OPEN;
	}
	if (!at_character(p, '"'))
		return SCOPE_CHARACTER;
	if (name.len == 0)
		return SCOPE_NO_NAME;
	p->position++;
	return add_name(p, name);
}

static ScopeError
parse_parenthesis(ScopeParser *p)
{
	size_t		opened = p->position++;
	ScopeError	error;

	if (++p->depth > SCOPE_MAX_DEPTH)
		return SCOPE_TOO_DEEP;
	error = parse_expression(p);
	if (error != SCOPE_OK)
		return error;
	if (at_end(p))
	{
		p->position = opened;
		return SCOPE_OPEN;
	}
	if (!at_character(p, ')'))
		return SCOPE_NO_OPERATOR;
	p->position++;
	p->depth--;
	return SCOPE_OK;
}

static ScopeError
parse_operand(ScopeParser *p)
{
	Str			word;

	skip_blanks(p);
	if (at_character(p, '('))
		return parse_parenthesis(p);
	if (at_character(p, '"'))
		return parse_quoted(p);
	word = next_word(p);
	if (word.len == 0)
		return at_end(p) || at_character(p, ')') ? SCOPE_NO_NAME : SCOPE_CHARACTER;
	if (is_operator(word))
		return SCOPE_NO_NAME;
	p->position += word.len;
	return add_name(p, word);
}

/* Operands that this operator joins, each of which parse_part reads. */
static ScopeError
parse_joined(ScopeParser *p, const char *word, ScopeStepKind kind,
			 ScopeError (*parse_part) (ScopeParser *p))
{
	ScopeError	error = parse_part(p);

	while (error == SCOPE_OK)
	{
		skip_blanks(p);
		if (!str_is(next_word(p), word))
			break;
		p->position += strlen(word);
		error = parse_part(p);
		if (error == SCOPE_OK)
			add_step(p, kind, (Str) {NULL, 0});
	}
	return error;
}

static ScopeError
parse_all(ScopeParser *p)
{
	return parse_joined(p, "AND", SCOPE_AND, parse_operand);
}

static ScopeError
parse_expression(ScopeParser *p)
{
	return parse_joined(p, "OR", SCOPE_OR, parse_all);
}

/*
 * Read an expression; steps has room for SCOPE_MAX_STEPS.  After an error *position is
 * the byte that it stands at.
 */
ScopeError
scope_parse(Str text, ScopeStep *steps, int *nsteps, size_t *position)
{
	ScopeParser p = {.text = text, .steps = steps};
	ScopeError	error = SCOPE_TOO_LONG;

	if (text.len <= SCOPE_MAX_LEN)
		error = parse_expression(&p);
	if (error == SCOPE_OK && at_character(&p, ')'))
		error = SCOPE_CLOSED;
	else if (error == SCOPE_OK && !at_end(&p))
		error = next_word(&p).len > 0 || at_character(&p, '(') || at_character(&p, '"') ?
			SCOPE_NO_OPERATOR : SCOPE_CHARACTER;
	*nsteps = p.nsteps;
	*position = p.position;
	return error;
}

/* Do these scopes suffice?  The lowest bit is the latest result. */
bool
scope_holds(const ScopeExpression *expression, const StrList *scopes)
{
	uint64_t	results = 0;

	for (int i = 0; i < expression->nsteps; i++)
	{
		const ScopeStep *step = &expression->steps[i];
		uint64_t	last = results & 1;

		switch (step->kind)
		{
			case SCOPE_NAME:
				results = results << 1 | str_list_has(scopes, step->name);
				break;
			case SCOPE_AND:
				results = (results >> 1 & ~UINT64_C(1)) | (results >> 1 & last);
				break;
			case SCOPE_OR:
				results = results >> 1 | last;
				break;
		}
	}
	return results & 1;
}
