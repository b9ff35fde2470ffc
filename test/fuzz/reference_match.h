/*
 * reference_match.h
 *		Does one pattern match one path?  Slow and plain, to compare with.
 */
#ifndef DEVAPP_REFERENCE_MATCH_H
#define DEVAPP_REFERENCE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

extern bool reference_match(const char *pattern, size_t pattern_len,
							const char *path, size_t path_len);

#endif							/* DEVAPP_REFERENCE_MATCH_H */
