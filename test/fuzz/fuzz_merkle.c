/*
 * fuzz_merkle.c
 *		Merkle trees and proofs of merkle_core.c.
 *
 * The first bytes choose a size, a leaf and an older size; the rest are a proof
 * that somebody made up.  What is right is compared with the reference, and what
 * is made up never passes where it is not the right one.
 */
#include "merkle_check.h"

#define MAX_LEAVES	300

static void
make_leaves(MerkleHash *leaves, size_t n, unsigned salt)
{
	for (size_t i = 0; i < n; i++)
	{
		unsigned char data[3] = {(unsigned char) i, (unsigned char) (i >> 8),
		(unsigned char) salt};

		/* some are alike: the place counts, not only the content */
		leaves[i] = reference_leaf_hash(data, salt & 1 ? 3 : 1);
	}
}

/* A proof that is not the right one, byte for byte, is refused. */
static void
check_made_up(FuzzInput *in, const MerkleHash *leaves, size_t m, size_t a, size_t n)
{
	size_t		count = in->len / MERKLE_HASH_BYTES;
	MerkleHash *path = (MerkleHash *) fuzz_copy(in->data, count * MERKLE_HASH_BYTES);
	MerkleHash	right[MERKLE_MAX_PROOF];
	MerkleHash	root = reference_root(leaves, n);
	MerkleHash	root_a = reference_root(leaves, a);
	size_t		len = reference_path(leaves, m, n, right);
	bool		same = len == count && memcmp(right, path, len * MERKLE_HASH_BYTES) == 0;

	CHECK(merkle_check_inclusion(m, n, &leaves[m], path, count, &root) == same);
	len = reference_proof(leaves, a, n, right);
	same = len == count && memcmp(right, path, len * MERKLE_HASH_BYTES) == 0;
	CHECK(merkle_check_consistency(a, &root_a, n, &root, path, count) == same);
	free(path);
}

/* Any numbers: an answer, no crash. */
static void
check_any_numbers(FuzzInput in)
{
	uint64_t	numbers[2] = {0};
	MerkleHash	root = {{0}};

	for (int i = 0; i < 16; i++)
		numbers[i / 8] = numbers[i / 8] << 8 | fuzz_byte(&in);
	(void) merkle_check_inclusion(numbers[0], numbers[1], &root,
								  (const MerkleHash *) in.data,
								  in.len / MERKLE_HASH_BYTES, &root);
	(void) merkle_check_consistency(numbers[0], &root, numbers[1], &root,
									(const MerkleHash *) in.data,
									in.len / MERKLE_HASH_BYTES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MerkleHash	leaves[MAX_LEAVES];
	FuzzInput	in = {data, size};
	size_t		n = 1 + (fuzz_byte(&in) << 8 | fuzz_byte(&in)) % MAX_LEAVES;
	size_t		m = (fuzz_byte(&in) << 8 | fuzz_byte(&in)) % n;
	size_t		a = 1 + (fuzz_byte(&in) << 8 | fuzz_byte(&in)) % n;

	make_leaves(leaves, n, fuzz_byte(&in));
	merkle_check_frontier(leaves, n, a);
	merkle_check_path(leaves, m, n);
	merkle_check_growth(leaves, a, n);
	check_made_up(&in, leaves, m, a, n);
	check_any_numbers(in);
	return 0;
}
