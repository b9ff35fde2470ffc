/*
 * hash_core.h
 *		The hash of the tables in shared memory.  Needs no backend.
 */
#ifndef DEVAPP_HASH_CORE_H
#define DEVAPP_HASH_CORE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Of whole words.  The seed is random, so that nobody can choose keys that meet in
 * one place.
 */
static inline uint64_t
hash_words(const void *data, size_t size, uint64_t seed)
{
	const char *bytes = data;
	uint64_t	h = seed;

	for (size_t i = 0; i < size; i += sizeof(uint64_t))
	{
		uint64_t	word;

		memcpy(&word, bytes + i, sizeof(word));
		h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
		h ^= h >> 29;
	}
	h *= UINT64_C(0xBF58476D1CE4E5B9);
	return h ^ (h >> 32);
}

/* What is kept beside a slot, to find it by; 0 is a free one. */
static inline uint32_t
hash_tag(uint64_t hash)
{
	uint32_t	tag = (uint32_t) (hash >> 26);

	return tag != 0 ? tag : 1;
}

/* Where probing starts, in a table of so many slots. */
static inline uint32_t
hash_place(uint64_t hash, uint32_t nslots)
{
	return (uint32_t) (((hash & UINT32_MAX) * nslots) >> 32);
}

#endif							/* DEVAPP_HASH_CORE_H */
