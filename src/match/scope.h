/*
 * scope.h
 *		Expressions of scopes in a backend.
 */
#ifndef DEVAPP_SCOPE_H
#define DEVAPP_SCOPE_H

#include "postgres.h"

#include "match/scope_core.h"

extern const ScopeExpression *scope_compile(Str text);

#endif							/* DEVAPP_SCOPE_H */
