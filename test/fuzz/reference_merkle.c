/*
 * reference_merkle.c
 *		The trees and proofs of RFC 6962, section 2.1, written as they are defined.
 *
 * Slow, and nothing shared with merkle_core.c: a tree is hashed from its leaves
 * each time, k is found by doubling.
 */
#include "reference_merkle.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

/* the largest power of two smaller than n */
static size_t
largest_power(size_t n)
{
	size_t		k = 1;

	while (2 * k < n)
		k = 2 * k;
	return k;
}

/* MTH({d}) */
MerkleHash
reference_leaf_hash(const void *data, size_t len)
{
	static const unsigned char prefix = 0x00;
	crypto_hash_sha256_state state;
	MerkleHash	out;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, &prefix, 1);
	crypto_hash_sha256_update(&state, data, len);
	crypto_hash_sha256_final(&state, out.bytes);
	return out;
}

/* MTH(D[n]) */
MerkleHash
reference_root(const MerkleHash *leaves, size_t n)
{
	unsigned char input[65] = {0x01};
	MerkleHash	left;
	MerkleHash	right;
	MerkleHash	out;

	if (n == 0)
	{
		crypto_hash_sha256(out.bytes, input, 0);
		return out;
	}
	if (n == 1)
		return leaves[0];
	left = reference_root(leaves, largest_power(n));
	right = reference_root(leaves + largest_power(n), n - largest_power(n));
	memcpy(input + 1, left.bytes, 32);
	memcpy(input + 33, right.bytes, 32);
	crypto_hash_sha256(out.bytes, input, 65);
	return out;
}

/* PATH(m, D[n]); returns how many hashes it wrote */
size_t
reference_path(const MerkleHash *leaves, size_t m, size_t n, MerkleHash *out)
{
	size_t		k = largest_power(n);
	size_t		count;

	if (n == 1)
		return 0;
	if (m < k)
	{
		count = reference_path(leaves, m, k, out);
		out[count] = reference_root(leaves + k, n - k);
	}
	else
	{
		count = reference_path(leaves + k, m - k, n - k, out);
		out[count] = reference_root(leaves, k);
	}
	return count + 1;
}

/* SUBPROOF(m, D[n], b) */
static size_t
subproof(const MerkleHash *leaves, size_t m, size_t n, bool b, MerkleHash *out)
{
	size_t		k = largest_power(n);
	size_t		count;

	if (m == n && b)
		return 0;
	if (m == n)
	{
		out[0] = reference_root(leaves, m);
		return 1;
	}
	if (m <= k)
	{
		count = subproof(leaves, m, k, b, out);
		out[count] = reference_root(leaves + k, n - k);
	}
	else
	{
		count = subproof(leaves + k, m - k, n - k, false, out);
		out[count] = reference_root(leaves, k);
	}
	return count + 1;
}

/* PROOF(m, D[n]) */
size_t
reference_proof(const MerkleHash *leaves, size_t m, size_t n, MerkleHash *out)
{
	return subproof(leaves, m, n, true, out);
}
