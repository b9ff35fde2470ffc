/*
 * proof.c
 *		Proofs that the sealed audit trail holds an event, and that it only grew.
 *
 * Hashes of large subtrees come from devapp.audit_node, those of smaller ones are
 * computed from at most 128 leaves each, so a proof takes the same time whatever
 * the size of the log.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "seal/trail.h"

PG_FUNCTION_INFO_V1(devapp_audit_proof);
PG_FUNCTION_INFO_V1(devapp_audit_consistency);
PG_FUNCTION_INFO_V1(devapp_check_audit_proof);
PG_FUNCTION_INFO_V1(devapp_check_audit_consistency);

static void
run_query(const char *sql, int nargs, int64 a, int64 b)
{
	Oid			types[2] = {INT8OID, INT8OID};
	Datum		args[2] = {Int64GetDatum(a), Int64GetDatum(b)};

	if (SPI_execute_with_args(sql, nargs, types, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "audit_proof: \"%s\" failed", sql);
}

/* ---------- subtrees ---------- */

/* The root of a complete subtree, from its leaves. */
static void
subtree_of_leaves(int level, uint64 position, MerkleHash *hash)
{
	uint64		width = UINT64CONST(1) << level;
	MerkleFrontier f;

	run_query("SELECT l.leaf_hash FROM devapp.audit_leaf l WHERE l.leaf_index >= $1 AND l.leaf_index < $2 ORDER BY l.leaf_index",
			  2, (int64) (position * width), (int64) ((position + 1) * width));
	if (SPI_processed != width)
		trail_damaged("Leaves are missing.");
	(void) merkle_frontier_load(&f, 0, NULL, 0);
	for (int i = 0; i < (int) width; i++)
	{
		bool		isnull;
		MerkleHash	leaf;

		if (!trail_hash_read(trail_value(i, 1, &isnull), &leaf))
			trail_damaged("The hash of a leaf is not a SHA-256 digest.");
		merkle_frontier_append(&f, &leaf, NULL, NULL);
	}
	SPI_freetuptable(SPI_tuptable);
	*hash = f.peaks[0];
}

/* A MerkleFetch */
static void
fetch_subtree(void *arg, int level, uint64_t position, MerkleHash *hash)
{
	if (level < TRAIL_NODE_LEVEL)
		subtree_of_leaves(level, position, hash);
	else if (!trail_node_find(level, position, hash))
		trail_damaged("A subtree is missing.");
}

static const MerkleSource log_source = {fetch_subtree, NULL};

/* ---------- sizes ---------- */

/* How many leaves are sealed; 0 if nothing is. */
static int64
sealed_size(void)
{
	run_query("SELECT max(c.tree_size) FROM devapp.audit_checkpoint c", 0, 0, 0);
	return trail_int64(0, 1);
}

static void
require_size(int64 size, int64 least, int64 most, const char *name)
{
	if (size >= least && size <= most)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be from %lld to %lld, not %lld", name, (long long) least,
					(long long) most, (long long) size),
			 errhint("The sealed sizes are in devapp.audit_checkpoint.")));
}

/* ---------- audit_proof ---------- */

static void
report_no_leaf(int64 event_id)
{
	run_query("SELECT FROM devapp.audit_event e WHERE e.event_id = $1", 1, event_id, 0);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("audit event %lld does not exist", (long long) event_id)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("audit event %lld is not sealed yet", (long long) event_id),
			 errhint("Call devapp.seal_audit() first.")));
}

static void
find_leaf(int64 event_id, int64 *leaf_index, MerkleHash *leaf)
{
	bool		isnull;

	run_query("SELECT l.leaf_index, l.leaf_hash FROM devapp.audit_leaf l WHERE l.event_id = $1",
			  1, event_id, 0);
	if (SPI_processed == 0)
		report_no_leaf(event_id);
	*leaf_index = trail_int64(0, 1);
	if (!trail_hash_read(trail_value(0, 2, &isnull), leaf))
		trail_damaged("The hash of a leaf is not a SHA-256 digest.");
}

static Datum
proof_array(const MerkleProof *proof)
{
	Datum		elements[MERKLE_MAX_PROOF];

	for (int i = 0; i < proof->count; i++)
		elements[i] = PointerGetDatum(trail_bytes(proof->hashes[i].bytes,
												  MERKLE_HASH_BYTES));
	return PointerGetDatum(construct_array(elements, proof->count, BYTEAOID, -1,
										   false, TYPALIGN_INT));
}

/* audit_proof(event_id, tree_size): leaf_index, tree_size, leaf_hash, path, root */
Datum
devapp_audit_proof(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[5];
	bool		nulls[5] = {false};
	int64		leaf_index;
	int64		size;
	int64		sealed;
	MerkleHash	leaf;
	MerkleHash	root;
	MerkleProof proof;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event_id must not be null")));
	devapp_require_sodium();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	SPI_connect();
	find_leaf(PG_GETARG_INT64(0), &leaf_index, &leaf);
	sealed = sealed_size();
	size = PG_ARGISNULL(1) ? sealed : PG_GETARG_INT64(1);
	require_size(size, leaf_index + 1, sealed, "tree_size");
	merkle_inclusion(&log_source, (uint64) leaf_index, (uint64) size, &proof);
	merkle_root(&log_source, (uint64) size, &root);
	if (!merkle_check_inclusion((uint64) leaf_index, (uint64) size, &leaf,
								proof.hashes, (size_t) proof.count, &root))
		trail_damaged("The stored subtrees do not match the leaves.");
	SPI_finish();

	values[0] = Int64GetDatum(leaf_index);
	values[1] = Int64GetDatum(size);
	values[2] = PointerGetDatum(trail_bytes(leaf.bytes, MERKLE_HASH_BYTES));
	values[3] = proof_array(&proof);
	values[4] = PointerGetDatum(trail_bytes(root.bytes, MERKLE_HASH_BYTES));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* audit_consistency(size_a, size_b) */
Datum
devapp_audit_consistency(PG_FUNCTION_ARGS)
{
	int64		size_a = PG_GETARG_INT64(0);
	int64		size_b = PG_GETARG_INT64(1);
	MerkleProof proof;
	MerkleHash	root_a;
	MerkleHash	root_b;

	devapp_require_sodium();
	SPI_connect();
	require_size(size_b, 1, sealed_size(), "size_b");
	require_size(size_a, 1, size_b, "size_a");
	merkle_consistency(&log_source, (uint64) size_a, (uint64) size_b, &proof);
	merkle_root(&log_source, (uint64) size_a, &root_a);
	merkle_root(&log_source, (uint64) size_b, &root_b);
	if (!merkle_check_consistency((uint64) size_a, &root_a, (uint64) size_b, &root_b,
								  proof.hashes, (size_t) proof.count))
		trail_damaged("The stored subtrees do not match the leaves.");
	SPI_finish();
	PG_RETURN_DATUM(proof_array(&proof));
}

/* ---------- checking ---------- */

/* False if it is not an array of hashes that a proof could have. */
static bool
read_path(ArrayType *array, MerkleProof *proof)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (ARR_NDIM(array) > 1)
		return false;
	deconstruct_array(array, BYTEAOID, -1, false, TYPALIGN_INT, &elements, &nulls,
					  &count);
	if (count > MERKLE_MAX_PROOF)
		return false;
	proof->count = count;
	for (int i = 0; i < count; i++)
	{
		if (nulls[i] || !trail_hash_read(elements[i], &proof->hashes[i]))
			return false;
	}
	return true;
}

/* check_audit_proof(leaf_hash, leaf_index, tree_size, path, root) */
Datum
devapp_check_audit_proof(PG_FUNCTION_ARGS)
{
	MerkleHash	leaf;
	MerkleHash	root;
	MerkleProof proof;
	int64		leaf_index = PG_GETARG_INT64(1);
	int64		size = PG_GETARG_INT64(2);

	devapp_require_sodium();
	PG_RETURN_BOOL(leaf_index >= 0 && size >= 0 &&
				   trail_hash_read(PG_GETARG_DATUM(0), &leaf) &&
				   trail_hash_read(PG_GETARG_DATUM(4), &root) &&
				   read_path(PG_GETARG_ARRAYTYPE_P(3), &proof) &&
				   merkle_check_inclusion((uint64) leaf_index, (uint64) size, &leaf,
										  proof.hashes, (size_t) proof.count, &root));
}

/* check_audit_consistency(size_a, root_a, size_b, root_b, path) */
Datum
devapp_check_audit_consistency(PG_FUNCTION_ARGS)
{
	MerkleHash	root_a;
	MerkleHash	root_b;
	MerkleProof proof;
	int64		size_a = PG_GETARG_INT64(0);
	int64		size_b = PG_GETARG_INT64(2);

	devapp_require_sodium();
	PG_RETURN_BOOL(size_a >= 0 && size_b >= 0 &&
				   trail_hash_read(PG_GETARG_DATUM(1), &root_a) &&
				   trail_hash_read(PG_GETARG_DATUM(3), &root_b) &&
				   read_path(PG_GETARG_ARRAYTYPE_P(4), &proof) &&
				   merkle_check_consistency((uint64) size_a, &root_a, (uint64) size_b,
											&root_b, proof.hashes, (size_t) proof.count));
}
