/*
 * trail.c
 *		The sealed audit trail: what sealing, proofs and verification share.
 *
 * devapp.audit_leaf is the log: the hashes of events, in the order in which they
 * were sealed.  devapp.audit_checkpoint has what the tree over it was at times, and
 * devapp.audit_node its complete subtrees of 256, 512, ... leaves, so that a proof
 * reads some hundred leaves and not all of them.  Smaller subtrees are computed.
 *
 * All is read and written through SPI: sealing and proving are rare, and the
 * planner knows best how to go through a million rows.  Every name is qualified,
 * and the functions of SQL that call this pin the search_path.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "seal/trail.h"

/* A plan for this call; SPI_finish() frees it. */
SPIPlanPtr
trail_prepare(const char *sql, int nargs, Oid *types)
{
	SPIPlanPtr	plan = SPI_prepare(sql, nargs, types);

	if (plan == NULL)
		elog(ERROR, "audit: SPI_prepare failed: %s",
			 SPI_result_code_string(SPI_result));
	return plan;
}

/* A value of what SPI has just answered. */
Datum
trail_value(int row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
						 isnull);
}

/* One that is not null; 0 stands for a null all the same. */
int64
trail_int64(int row, int column)
{
	bool		isnull;
	Datum		value = trail_value(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* False if it has not the length of a hash. */
bool
trail_hash_read(Datum value, MerkleHash *hash)
{
	bytea	   *bytes = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(bytes) != MERKLE_HASH_BYTES)
		return false;
	memcpy(hash->bytes, VARDATA_ANY(bytes), MERKLE_HASH_BYTES);
	return true;
}

bytea *
trail_bytes(const void *data, size_t len)
{
	return (bytea *) cstring_to_text_with_len(data, (int) len);
}

/* A subtree that was kept; false if it is not there, or is none. */
bool
trail_node_find(int level, uint64 position, MerkleHash *hash)
{
	Oid			types[2] = {INT4OID, INT8OID};
	Datum		args[2] = {Int32GetDatum(level), Int64GetDatum((int64) position)};
	bool		isnull;
	bool		found;
	Datum		value;

	if (SPI_execute_with_args("SELECT n.hash FROM devapp.audit_node n WHERE n.level = $1 AND n.position = $2",
							  2, types, args, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "audit: could not read devapp.audit_node");
	if (SPI_processed == 0)
		return false;
	value = trail_value(0, 1, &isnull);
	found = !isnull && trail_hash_read(value, hash);
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* The tables do not fit together. */
void
trail_damaged(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the sealed audit trail is damaged"),
			 errdetail("%s", what),
			 errhint("SELECT * FROM devapp.verify_audit() shows the problems.")));
	pg_unreachable();
}
