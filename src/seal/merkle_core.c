/*
 * merkle_core.c
 *		The Merkle tree of RFC 6962 and RFC 9162, section 2.1, over SHA-256.
 *
 * Appending works on the frontier: the complete subtrees that the leaves make.
 * A leaf merges with the subtrees of its own size to its left, as a carry runs
 * through a binary number, so k leaves cost O(k + log n) whatever n is.
 *
 * A proof is made of the hashes of ranges of leaves.  Each range of the RFC's
 * recursion begins at a multiple of the largest power of two in its length, so it
 * is a few complete subtrees, and the caller gives the hashes of those.
 *
 * Checking a proof follows the algorithms of RFC 9162, 2.1.3.2 and 2.1.4.2.
 *
 * Needs no backend.
 */
#include "seal/merkle_core.h"

#include <string.h>

#include "base/sha256_core.h"

_Static_assert(MERKLE_HASH_BYTES == SHA256_LEN, "hash is SHA-256");

/* ---------- hashes ---------- */

/* out may be one of the others */
static void
merkle_node_hash(const MerkleHash *left, const MerkleHash *right, MerkleHash *out)
{
	unsigned char input[1 + 2 * MERKLE_HASH_BYTES];

	input[0] = 0x01;
	memcpy(input + 1, left->bytes, MERKLE_HASH_BYTES);
	memcpy(input + 1 + MERKLE_HASH_BYTES, right->bytes, MERKLE_HASH_BYTES);
	sha256_of(input, sizeof(input), out->bytes);
}

bool
merkle_hash_equal(const MerkleHash *a, const MerkleHash *b)
{
	return memcmp(a->bytes, b->bytes, MERKLE_HASH_BYTES) == 0;
}

static void
empty_root(MerkleHash *out)
{
	sha256_of(NULL, 0, out->bytes);
}

/* ---------- the frontier ---------- */

/* The peaks of a tree, as they were kept; false if they are not of this size. */
bool
merkle_frontier_load(MerkleFrontier *f, uint64_t size, const void *peaks,
					 size_t len)
{
	int			count = __builtin_popcountll(size);

	if (len != (size_t) count * MERKLE_HASH_BYTES)
		return false;
	f->size = size;
	f->count = count;
	if (len > 0)
		memcpy(f->peaks, peaks, len);
	return true;
}

/* emit, if there is one, gets each subtree that this leaf completes. */
void
merkle_frontier_append(MerkleFrontier *f, const MerkleHash *leaf,
					   MerkleEmit emit, void *arg)
{
	MerkleHash	node = *leaf;
	int			level = 0;

	for (uint64_t rest = f->size; rest & 1; rest >>= 1)
	{
		merkle_node_hash(&f->peaks[--f->count], &node, &node);
		level++;
		if (emit)
			emit(arg, level, f->size >> level, &node);
	}
	f->peaks[f->count++] = node;
	f->size++;
}

void
merkle_frontier_root(const MerkleFrontier *f, MerkleHash *out)
{
	MerkleHash	root;

	if (f->count == 0)
	{
		empty_root(out);
		return;
	}
	root = f->peaks[f->count - 1];
	for (int i = f->count - 2; i >= 0; i--)
		merkle_node_hash(&f->peaks[i], &root, &root);
	*out = root;
}

/* ---------- proofs ---------- */

/* Exponent of the largest power of two that is not larger than n. */
static int
log2_floor(uint64_t n)
{
	return 63 - __builtin_clzll(n);
}

/* The RFC's k: the largest power of two that is smaller than n. */
static uint64_t
split_point(uint64_t n)
{
	return UINT64_C(1) << log2_floor(n - 1);
}

/* Root of the n leaves from start on. */
static void
range_root(const MerkleSource *source, uint64_t start, uint64_t n,
		   MerkleHash *out)
{
	int			level = log2_floor(n);
	uint64_t	k = UINT64_C(1) << level;
	MerkleHash	rest;

	source->fetch(source->arg, level, start >> level, out);
	if (n == k)
		return;
	range_root(source, start + k, n - k, &rest);
	merkle_node_hash(out, &rest, out);
}

static void
add_range(const MerkleSource *source, uint64_t start, uint64_t n,
		  MerkleProof *proof)
{
	range_root(source, start, n, &proof->hashes[proof->count++]);
}

void
merkle_root(const MerkleSource *source, uint64_t size, MerkleHash *out)
{
	if (size == 0)
		empty_root(out);
	else
		range_root(source, 0, size, out);
}

/* PATH(index, D[start:start + n]) */
static void
add_path(const MerkleSource *source, uint64_t index, uint64_t start, uint64_t n,
		 MerkleProof *proof)
{
	uint64_t	k;

	if (n == 1)
		return;
	k = split_point(n);
	if (index < k)
	{
		add_path(source, index, start, k, proof);
		add_range(source, start + k, n - k, proof);
	}
	else
	{
		add_path(source, index - k, start + k, n - k, proof);
		add_range(source, start, k, proof);
	}
}

/* The audit path of a leaf; index < size */
void
merkle_inclusion(const MerkleSource *source, uint64_t index, uint64_t size,
				 MerkleProof *proof)
{
	proof->count = 0;
	add_path(source, index, 0, size, proof);
}

/* SUBPROOF(m, D[start:start + n], whole) */
static void
add_subproof(const MerkleSource *source, uint64_t m, uint64_t start, uint64_t n,
			 bool whole, MerkleProof *proof)
{
	uint64_t	k;

	if (m == n)
	{
		if (!whole)
			add_range(source, start, n, proof);
		return;
	}
	k = split_point(n);
	if (m <= k)
	{
		add_subproof(source, m, start, k, whole, proof);
		add_range(source, start + k, n - k, proof);
	}
	else
	{
		add_subproof(source, m - k, start + k, n - k, false, proof);
		add_range(source, start, k, proof);
	}
}

/* That the tree of size_b begins as that of size_a; 0 < size_a <= size_b */
void
merkle_consistency(const MerkleSource *source, uint64_t size_a, uint64_t size_b,
				   MerkleProof *proof)
{
	proof->count = 0;
	add_subproof(source, size_a, 0, size_b, true, proof);
}

/* ---------- checking proofs ---------- */

/* Where a check is on its way up: a node and the last one of its level. */
typedef struct Climb
{
	uint64_t	node;
	uint64_t	last;
} Climb;

/* Is the next hash of the proof that of a node to the left? */
static bool
is_right(const Climb *c)
{
	return (c->node & 1) || c->node == c->last;
}

/* Pass by the levels on which the node has no sibling, then go up one. */
static void
climb_level(Climb *c, bool right)
{
	while (right && !(c->node & 1) && c->node != 0)
	{
		c->node >>= 1;
		c->last >>= 1;
	}
	c->node >>= 1;
	c->last >>= 1;
}

bool
merkle_check_inclusion(uint64_t index, uint64_t size, const MerkleHash *leaf,
					   const MerkleHash *path, size_t count,
					   const MerkleHash *root)
{
	Climb		c = {index, size - 1};
	MerkleHash	r = *leaf;

	if (index >= size)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		bool		right = is_right(&c);

		if (c.last == 0)
			return false;
		if (right)
			merkle_node_hash(&path[i], &r, &r);
		else
			merkle_node_hash(&r, &path[i], &r);
		climb_level(&c, right);
	}
	return c.last == 0 && merkle_hash_equal(&r, root);
}

/* 0 < size_a < size_b, and path is not empty where the proof begins with it */
static bool
check_growth(Climb c, const MerkleHash *first, const MerkleHash *root_a,
			 const MerkleHash *root_b, const MerkleHash *path, size_t count)
{
	MerkleHash	a = *first;
	MerkleHash	b = *first;

	for (size_t i = 0; i < count; i++)
	{
		bool		right = is_right(&c);

		if (c.last == 0)
			return false;
		if (right)
		{
			merkle_node_hash(&path[i], &a, &a);
			merkle_node_hash(&path[i], &b, &b);
		}
		else
			merkle_node_hash(&b, &path[i], &b);
		climb_level(&c, right);
	}
	return c.last == 0 && merkle_hash_equal(&a, root_a) &&
		merkle_hash_equal(&b, root_b);
}

bool
merkle_check_consistency(uint64_t size_a, const MerkleHash *root_a,
						 uint64_t size_b, const MerkleHash *root_b,
						 const MerkleHash *path, size_t count)
{
	Climb		c = {size_a - 1, size_b - 1};

	if (size_a == 0 || size_a > size_b)
		return false;
	if (size_a == size_b)
		return count == 0 && merkle_hash_equal(root_a, root_b);
	if (count == 0)
		return false;
	while (c.node & 1)
	{
		c.node >>= 1;
		c.last >>= 1;
	}
	/* a complete tree is a node of the larger one: the proof leaves it out */
	if ((size_a & (size_a - 1)) == 0)
		return check_growth(c, root_a, root_a, root_b, path, count);
	return check_growth(c, path, root_a, root_b, path + 1, count - 1);
}
