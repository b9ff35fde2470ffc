/*
 * reference_merkle.h
 *		The trees and proofs of RFC 6962, section 2.1, written as they are defined.
 */
#ifndef DEVAPP_REFERENCE_MERKLE_H
#define DEVAPP_REFERENCE_MERKLE_H

#include "seal/merkle_core.h"

extern MerkleHash reference_leaf_hash(const void *data, size_t len);

/* leaves are leaf hashes: D[0:n] of the RFC, hashed */
extern MerkleHash reference_root(const MerkleHash *leaves, size_t n);
extern size_t reference_path(const MerkleHash *leaves, size_t m, size_t n,
							 MerkleHash *out);
extern size_t reference_proof(const MerkleHash *leaves, size_t m, size_t n,
							  MerkleHash *out);

#endif							/* DEVAPP_REFERENCE_MERKLE_H */
