/*
 * id_hash.h
 *		Hashes of ids, and the parts of them that a pass takes.
 *
 * What has too many rows for memory is added up in several passes, each for a part of the
 * hashes.
 */
#ifndef DEVAPP_ID_HASH_H
#define DEVAPP_ID_HASH_H

#include "postgres.h"

#include "common/hashfn.h"
#include "utils/uuid.h"

static inline uint32
id_hash(const pg_uuid_t *id)
{
	return hash_bytes(id->data, UUID_LEN);
}

static inline bool
is_same_id(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a, b, UUID_LEN) == 0;
}

/* as many as the bits that tell passes apart have values */
#define MOST_PASSES	256

/* The places in a hash table are the low bits of a hash, so the high ones tell passes apart. */
static inline bool
is_of_pass(uint32 hash, uint32 pass, uint32 passes)
{
	return (hash >> 24) % passes == pass;
}

/* How many passes to try when those were too few. */
static inline uint32
more_passes(uint32 passes)
{
	if (passes == MOST_PASSES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many rows to add up for a report"),
				 errdetail("One of %d parts of the rows does not fit into memory.", MOST_PASSES)));
	return 2 * passes;
}

#endif							/* DEVAPP_ID_HASH_H */
