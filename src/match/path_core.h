/*
 * path_core.h
 *		The path of a request: cut off the query, refuse what could mean another
 *		path further on, read the bytes that are compared.  Needs no backend.
 */
#ifndef DEVAPP_PATH_CORE_H
#define DEVAPP_PATH_CORE_H

#include <stdbool.h>
#include <stddef.h>

#define PATH_MAX_LEN	8192	/* bytes; longer paths are refused */

/* Reads the normal form of a path byte by byte, see path_read_byte(). */
typedef struct PathReader
{
	const char *data;
	size_t		len;
	size_t		pos;
	size_t		digits_end;		/* before this position stand digits of a "%XX" */
} PathReader;

extern size_t path_without_query(const char *s, size_t len);
extern bool path_is_safe(const char *s, size_t len);
extern unsigned char path_read_byte(PathReader *reader);

#endif							/* DEVAPP_PATH_CORE_H */
