/*
 * merkle_check.h
 *		A tree of merkle_core.c against the reference: what the fuzzer and the
 *		property test of it share.
 */
#ifndef DEVAPP_MERKLE_CHECK_H
#define DEVAPP_MERKLE_CHECK_H

#include "fuzz.h"
#include "reference_merkle.h"

/* Leaves, and how many subtrees of more than one the frontier has emitted. */
typedef struct MerkleLeaves
{
	const MerkleHash *leaves;
	size_t		emitted;
} MerkleLeaves;

static inline void
merkle_check_fetch(void *arg, int level, uint64_t position, MerkleHash *hash)
{
	const MerkleLeaves *l = arg;

	*hash = reference_root(l->leaves + (position << level), (size_t) 1 << level);
}

static inline void
merkle_check_emit(void *arg, int level, uint64_t position, const MerkleHash *hash)
{
	MerkleLeaves *l = arg;
	MerkleHash	expected;

	CHECK(level > 0);
	merkle_check_fetch(arg, level, position, &expected);
	CHECK(merkle_hash_equal(hash, &expected));
	l->emitted++;
}

/* Append all, going on from what was kept after the first split leaves. */
static inline void
merkle_check_frontier(const MerkleHash *leaves, size_t n, size_t split)
{
	MerkleLeaves l = {leaves, 0};
	MerkleFrontier f;
	MerkleFrontier kept;
	MerkleHash	root;
	MerkleHash	expected = reference_root(leaves, n);
	size_t		subtrees = 0;

	CHECK(merkle_frontier_load(&f, 0, NULL, 0));
	for (size_t i = 0; i < split; i++)
		merkle_frontier_append(&f, &leaves[i], merkle_check_emit, &l);
	CHECK(merkle_frontier_load(&kept, f.size, f.peaks,
							   (size_t) f.count * MERKLE_HASH_BYTES));
	CHECK(!merkle_frontier_load(&f, kept.size + 1, kept.peaks,
								(size_t) kept.count * MERKLE_HASH_BYTES) ||
		  __builtin_popcountll(kept.size + 1) == kept.count);
	for (size_t i = split; i < n; i++)
		merkle_frontier_append(&kept, &leaves[i], merkle_check_emit, &l);
	CHECK(kept.size == n);
	merkle_frontier_root(&kept, &root);
	CHECK(merkle_hash_equal(&root, &expected));
	for (size_t width = 2; width <= n; width *= 2)
		subtrees += n / width;
	CHECK(l.emitted == subtrees);
}

static inline void
merkle_check_path(const MerkleHash *leaves, size_t m, size_t n)
{
	MerkleSource source = {merkle_check_fetch, &(MerkleLeaves) {leaves, 0}};
	MerkleHash	expected[MERKLE_MAX_PROOF];
	size_t		count = reference_path(leaves, m, n, expected);
	MerkleHash	root = reference_root(leaves, n);
	MerkleHash	got;
	MerkleProof proof;

	merkle_root(&source, n, &got);
	CHECK(merkle_hash_equal(&got, &root));
	merkle_inclusion(&source, m, n, &proof);
	CHECK((size_t) proof.count == count);
	CHECK(memcmp(proof.hashes, expected, count * MERKLE_HASH_BYTES) == 0);
	CHECK(merkle_check_inclusion(m, n, &leaves[m], proof.hashes, count, &root));

	/* nothing else passes */
	CHECK(!merkle_check_inclusion(n, n, &leaves[m], proof.hashes, count, &root));
	if (count > 0)
	{
		CHECK(!merkle_check_inclusion(m, n, &leaves[m], proof.hashes, count - 1, &root));
		CHECK(!merkle_check_inclusion(m ^ 1, n, &leaves[m], proof.hashes, count, &root));
	}
	proof.hashes[count] = root;
	CHECK(!merkle_check_inclusion(m, n, &leaves[m], proof.hashes, count + 1, &root));
	for (size_t i = 0; i < count; i++)
	{
		proof.hashes[i].bytes[i % 32] ^= 1;
		CHECK(!merkle_check_inclusion(m, n, &leaves[m], proof.hashes, count, &root));
		proof.hashes[i].bytes[i % 32] ^= 1;
	}
}

static inline void
merkle_check_growth(const MerkleHash *leaves, size_t m, size_t n)
{
	MerkleSource source = {merkle_check_fetch, &(MerkleLeaves) {leaves, 0}};
	MerkleHash	expected[MERKLE_MAX_PROOF];
	size_t		count = reference_proof(leaves, m, n, expected);
	MerkleHash	a = reference_root(leaves, m);
	MerkleHash	b = reference_root(leaves, n);
	MerkleProof proof;

	merkle_consistency(&source, m, n, &proof);
	CHECK((size_t) proof.count == count);
	CHECK(memcmp(proof.hashes, expected, count * MERKLE_HASH_BYTES) == 0);
	CHECK(merkle_check_consistency(m, &a, n, &b, proof.hashes, count));

	CHECK(!merkle_check_consistency(0, &a, n, &b, proof.hashes, count));
	if (m < n)
	{
		CHECK(!merkle_check_consistency(n, &b, m, &a, proof.hashes, count));
		CHECK(!merkle_check_consistency(m, &b, n, &b, proof.hashes, count));
		CHECK(!merkle_check_consistency(m, &a, n, &a, proof.hashes, count));
		CHECK(!merkle_check_consistency(m, &a, n, &b, proof.hashes, count - 1));
	}
	proof.hashes[count] = b;
	CHECK(!merkle_check_consistency(m, &a, n, &b, proof.hashes, count + 1));
	for (size_t i = 0; i < count; i++)
	{
		proof.hashes[i].bytes[i % 32] ^= 1;
		CHECK(!merkle_check_consistency(m, &a, n, &b, proof.hashes, count));
		proof.hashes[i].bytes[i % 32] ^= 1;
	}
}

#endif							/* DEVAPP_MERKLE_CHECK_H */
