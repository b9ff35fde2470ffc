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

#include "utils/uuid.h"

/* All bits of the result depend on all bits of x.  hash_bytes() takes several times as long. */
static inline uint64
mix_bits(uint64 x)
{
	x = (x ^ (x >> 32)) * UINT64CONST(0x9fb21c651e98df25);
	x = (x ^ (x >> 29)) * UINT64CONST(0xd6e8feb86659fd93);
	return x ^ (x >> 32);
}

/* Nobody who could gain by it chooses ids, so it need not be keyed. */
static inline uint32
id_hash(const pg_uuid_t *id)
{
	uint64		halves[2];

	memcpy(halves, id->data, sizeof(halves));
	return (uint32) mix_bits(halves[0] + mix_bits(halves[1]));
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
