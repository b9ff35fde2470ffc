/*
 * path_core.h
 *		The path of a request: cut off the query, refuse what could mean another
 *		path further on.  Needs no backend.
 */
#ifndef DEVAPP_PATH_CORE_H
#define DEVAPP_PATH_CORE_H

#include <stdbool.h>
#include <stddef.h>

#define PATH_MAX_LEN	8192	/* bytes; longer paths are refused */

extern size_t path_without_query(const char *s, size_t len);
extern bool path_is_safe(const char *s, size_t len);

#endif							/* DEVAPP_PATH_CORE_H */
