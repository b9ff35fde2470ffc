/*
 * id_number.h
 *		A hash table of ids and their numbers.
 */
#ifndef DEVAPP_ID_NUMBER_H
#define DEVAPP_ID_NUMBER_H

#include "postgres.h"

#include "meter/huge_pages.h"
#include "meter/id_hash.h"

/* an id, and where it is in an array */
typedef struct IdNumber
{
	pg_uuid_t	id;
	uint32		number;
	char		status;			/* of the hash table */
} IdNumber;

#define SH_PREFIX id_number
#define SH_ELEMENT_TYPE IdNumber
#define SH_KEY_TYPE pg_uuid_t
#define SH_KEY id
#define SH_HASH_KEY(table, k) id_hash(&(k))
#define SH_EQUAL(table, a, b) is_same_id(&(a), &(b))
#define SH_USE_NONDEFAULT_ALLOCATOR
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

HUGE_PAGES_FOR(id_number)

/* The number that an id has in a table, or gets there: how many were there before it. */
static inline uint32
id_number_of(id_number_hash *table, const pg_uuid_t *id, uint32 hash)
{
	bool		found;
	IdNumber   *entry = id_number_insert_hash(table, *id, hash, &found);

	if (!found)
		entry->number = table->members - 1;
	return entry->number;
}

#endif							/* DEVAPP_ID_NUMBER_H */
