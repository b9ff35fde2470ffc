/*
 * trail.h
 *		The sealed audit trail: what sealing, proofs and verification share.
 */
#ifndef DEVAPP_TRAIL_H
#define DEVAPP_TRAIL_H

#include "postgres.h"

#include "executor/spi.h"

#include "base/compat.h"
#include "seal/merkle_core.h"

/* Complete subtrees from this level on are kept in devapp.audit_node. */
#define TRAIL_NODE_LEVEL	8

extern SPIPlanPtr trail_prepare(const char *sql, int nargs, Oid *types);
extern Datum trail_value(int row, int column, bool *isnull);
extern int64 trail_int64(int row, int column);
extern bool trail_hash_read(Datum value, MerkleHash *hash);
extern bytea *trail_bytes(const void *data, size_t len);
extern bool trail_node_find(int level, uint64 position, MerkleHash *hash);
extern void trail_damaged(const char *what) compat_noreturn;

#endif							/* DEVAPP_TRAIL_H */
