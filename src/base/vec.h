/*
 * vec.h
 *		An array that grows.
 */
#ifndef DEVAPP_VEC_H
#define DEVAPP_VEC_H

#include "postgres.h"

#include "utils/palloc.h"

/*
 * Make room for one more after the first n items, which may be NULL; returns where they
 * are then.  The first time *room says for how many, in the current memory context;
 * later it doubles, where they were.
 */
static inline void *
vec_reserve(void *items, int n, int *room, Size item_size)
{
	if (items == NULL)
		return palloc(item_size * (Size) *room);
	if (n < *room)
		return items;
	*room *= 2;
	return repalloc(items, item_size * (Size) *room);
}

#endif							/* DEVAPP_VEC_H */
