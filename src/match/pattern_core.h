/*
 * pattern_core.h
 *		Resource patterns: check one, compile many, match a path against all of
 *		them at once.  Needs no backend.
 */
#ifndef DEVAPP_PATTERN_CORE_H
#define DEVAPP_PATTERN_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define PATTERN_MAX_LEN		1024	/* bytes of one pattern */

typedef enum PatternError
{
	PATTERN_OK,
	PATTERN_NO_SLASH,
	PATTERN_TOO_LONG,
	PATTERN_CONTROL,
	PATTERN_UNSAFE				/* no path that it matches is ever let pass */
} PatternError;

/* Where memory comes from.  alloc does not return on failure. */
typedef struct PatternMemory
{
	void	   *(*alloc) (void *arg, size_t size);
	void		(*release) (void *arg, void *ptr);
	void	   *arg;
} PatternMemory;

typedef struct PatternSet PatternSet;

extern PatternError pattern_check(const char *s, size_t len);
extern int	pattern_compare_rank(Str a, Str b);

extern PatternSet *pattern_set_build(const Str *patterns, int count,
									 size_t dfa_limit, PatternMemory memory);
extern int	pattern_set_match(PatternSet *set, const char *path, size_t len,
							  const int32_t **matched);
extern void pattern_set_free(PatternSet *set);

#endif							/* DEVAPP_PATTERN_CORE_H */
