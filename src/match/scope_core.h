/*
 * scope_core.h
 *		Expressions that say which scopes a call needs.  Needs no backend.
 */
#ifndef DEVAPP_SCOPE_CORE_H
#define DEVAPP_SCOPE_CORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define SCOPE_MAX_LEN		1024	/* bytes of one expression */
#define SCOPE_MAX_NAMES		64	/* scopes that it names */
#define SCOPE_MAX_DEPTH		32	/* parentheses within one another */

/* names, and the operators that join them */
#define SCOPE_MAX_STEPS		(2 * SCOPE_MAX_NAMES - 1)

typedef enum ScopeError
{
	SCOPE_OK,
	SCOPE_TOO_LONG,
	SCOPE_TOO_MANY,				/* names */
	SCOPE_TOO_DEEP,
	SCOPE_CHARACTER,			/* one that no scope has */
	SCOPE_NO_NAME,				/* where there should be one */
	SCOPE_NO_OPERATOR,
	SCOPE_OPEN,					/* a parenthesis or quotation mark */
	SCOPE_CLOSED				/* a parenthesis that was not opened */
} ScopeError;

typedef enum ScopeStepKind
{
	SCOPE_NAME,
	SCOPE_AND,
	SCOPE_OR
} ScopeStepKind;

typedef struct ScopeStep
{
	ScopeStepKind kind;
	Str			name;			/* it points into the expression */
} ScopeStep;

/* Operators stand behind what they join. */
typedef struct ScopeExpression
{
	int			nsteps;
	ScopeStep  *steps;
} ScopeExpression;

extern bool scope_is_character(char c);
extern ScopeError scope_parse(Str text, ScopeStep *steps, int *nsteps, size_t *position);
extern bool scope_holds(const ScopeExpression *expression, const StrList *scopes);

#endif							/* DEVAPP_SCOPE_CORE_H */
