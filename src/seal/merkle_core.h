/*
 * merkle_core.h
 *		The Merkle tree of RFC 6962 and RFC 9162, section 2.1, over SHA-256.
 *
 * Needs no backend.
 */
#ifndef DEVAPP_MERKLE_CORE_H
#define DEVAPP_MERKLE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_BYTES	32
#define MERKLE_MAX_PEAKS	64
#define MERKLE_MAX_PROOF	65	/* hashes of the longest proof */

typedef struct MerkleHash
{
	unsigned char bytes[MERKLE_HASH_BYTES];
} MerkleHash;

/*
 * The complete subtrees that the leaves so far make, from left to right, so the
 * largest first: all that is needed to append, and to compute the root.
 */
typedef struct MerkleFrontier
{
	uint64_t	size;			/* leaves */
	int			count;			/* of peaks: the bits that are set in size */
	MerkleHash	peaks[MERKLE_MAX_PEAKS];
} MerkleFrontier;

/*
 * Complete subtrees have a level (0: a leaf) and a position: that of level l and
 * position p has the leaves from p * 2^l to (p + 1) * 2^l - 1.
 */
typedef void (*MerkleEmit) (void *arg, int level, uint64_t position,
							const MerkleHash *hash);
typedef void (*MerkleFetch) (void *arg, int level, uint64_t position,
							 MerkleHash *hash);

/* Where the hashes of complete subtrees come from. */
typedef struct MerkleSource
{
	MerkleFetch fetch;
	void	   *arg;
} MerkleSource;

typedef struct MerkleProof
{
	int			count;
	MerkleHash	hashes[MERKLE_MAX_PROOF];
} MerkleProof;

extern bool merkle_hash_equal(const MerkleHash *a, const MerkleHash *b);

extern bool merkle_frontier_load(MerkleFrontier *f, uint64_t size,
								 const void *peaks, size_t len);
extern void merkle_frontier_append(MerkleFrontier *f, const MerkleHash *leaf,
								   MerkleEmit emit, void *arg);
extern void merkle_frontier_root(const MerkleFrontier *f, MerkleHash *out);

extern void merkle_root(const MerkleSource *source, uint64_t size,
						MerkleHash *out);
extern void merkle_inclusion(const MerkleSource *source, uint64_t index,
							 uint64_t size, MerkleProof *proof);
extern void merkle_consistency(const MerkleSource *source, uint64_t size_a,
							   uint64_t size_b, MerkleProof *proof);

extern bool merkle_check_inclusion(uint64_t index, uint64_t size,
								   const MerkleHash *leaf,
								   const MerkleHash *path, size_t count,
								   const MerkleHash *root);
extern bool merkle_check_consistency(uint64_t size_a, const MerkleHash *root_a,
									 uint64_t size_b, const MerkleHash *root_b,
									 const MerkleHash *path, size_t count);

#endif							/* DEVAPP_MERKLE_CORE_H */
