/*
 * seal.c
 *		seal_audit(): put what is new in the audit trail into the Merkle tree.
 *
 * All committed events that are in no leaf yet become leaves, in the order of their
 * numbers; those of transactions that are still open come with a later seal.  To
 * find them without looking at all events, a checkpoint keeps the oldest transaction
 * that was open when it was made: events of older ones were all sealed then.
 * Transactions of another cluster cannot be compared, so after a restore the first
 * seal looks at all.
 *
 * One sealer at a time: it locks devapp.audit_checkpoint against others, which
 * readers and the writers of events don't notice.  Each of its statements sees what
 * is committed when it begins, so it sees what the sealer before it has done; for
 * that it needs READ COMMITTED.
 *
 * The SQL function runs with its owner's rights, for nobody else may write these
 * tables; so a caller can have the truth signed, and nothing but that.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/xid8.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/sodium.h"
#include "seal/seal.h"
#include "seal/signing_key.h"
#include "seal/trail.h"

PG_FUNCTION_INFO_V1(devapp_seal_audit);

#define FETCH_ROWS	1000

/* ---------- settings ---------- */

/* minutes; the SQL that the housekeeper calls asks for it */
static int	seal_interval = 60;

void
seal_define_gucs(void)
{
	DefineCustomIntVariable("devapp.seal_interval",
							"Sets how often the worker seals an audit trail that has been sealed before.",
							"0 leaves sealing to devapp.seal_audit().",
							&seal_interval,
							60, 0, 7 * MINUTES_PER_DAY,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

/* ---------- sealing ---------- */

/* The tree that grows, and where its complete subtrees go. */
typedef struct Sealer
{
	MerkleFrontier tree;
	SPIPlanPtr	insert_node;
} Sealer;

static void
execute_sql(const char *sql, int expected)
{
	int			result = SPI_execute(sql, false, 0);

	if (result != expected)
		elog(ERROR, "seal_audit: \"%s\" failed: %s", sql,
			 SPI_result_code_string(result));
}

static void
require_read_committed(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("seal_audit() requires isolation level READ COMMITTED"),
				 errhint("A transaction of a higher level may not see what another session has sealed.")));
}

/* ---------- what was sealed before ---------- */

/* Go on from the last checkpoint; false if there is none. */
static bool
load_last(Sealer *s, FullTransactionId *xmin)
{
	bool		isnull;
	bytea	   *frontier;
	MerkleHash	kept;
	MerkleHash	root;
	Datum		value;

	execute_sql("SELECT c.tree_size, c.root, c.frontier, c.xmin_at_seal, c.system_identifier"
				"  FROM devapp.audit_checkpoint c ORDER BY c.tree_size DESC LIMIT 1",
				SPI_OK_SELECT);
	(void) merkle_frontier_load(&s->tree, 0, NULL, 0);
	*xmin = FullTransactionIdFromU64(0);
	if (SPI_processed == 0)
		return false;
	value = trail_value(0, 2, &isnull);
	if (!trail_hash_read(value, &kept))
		trail_damaged("The root of the last checkpoint is not a SHA-256 digest.");
	frontier = DatumGetByteaPP(trail_value(0, 3, &isnull));
	if (!merkle_frontier_load(&s->tree, (uint64) trail_int64(0, 1),
							  VARDATA_ANY(frontier), VARSIZE_ANY_EXHDR(frontier)))
		trail_damaged("The frontier of the last checkpoint does not match its size.");
	merkle_frontier_root(&s->tree, &root);
	if (!merkle_hash_equal(&root, &kept))
		trail_damaged("The frontier of the last checkpoint does not match its root.");
	if ((uint64) trail_int64(0, 5) == GetSystemIdentifier())
		*xmin = DatumGetFullTransactionId(trail_value(0, 4, &isnull));
	return true;
}

/* The last checkpoint is of all leaves. */
static void
require_all_covered(const Sealer *s)
{
	execute_sql("SELECT coalesce(max(l.leaf_index), -1) + 1 FROM devapp.audit_leaf l",
				SPI_OK_SELECT);
	if ((uint64) trail_int64(0, 1) != s->tree.size)
		trail_damaged("The size of the last checkpoint does not match the number of leaves.");
}

/* ---------- what is new ---------- */

/* The oldest transaction that is open now, to be read before the events. */
static FullTransactionId
oldest_open_transaction(void)
{
	bool		isnull;

	execute_sql("SELECT pg_snapshot_xmin(pg_current_snapshot())", SPI_OK_SELECT);
	return DatumGetFullTransactionId(trail_value(0, 1, &isnull));
}

/* Make leaves of the events that have none; returns how many. */
static uint64
insert_leaves(const Sealer *s, FullTransactionId since)
{
	Oid			types[2] = {INT8OID, XID8OID};
	Datum		args[2] = {Int64GetDatum((int64) s->tree.size),
	FullTransactionIdGetDatum(since)};

	if (SPI_execute_with_args("INSERT INTO devapp.audit_leaf (leaf_index, event_id, leaf_hash)"
							  " SELECT $1 + row_number() OVER (ORDER BY e.event_id) - 1, e.event_id, e.leaf_hash"
							  "   FROM devapp.audit_event e"
							  "  WHERE e.transaction_id >= $2"
							  "    AND NOT EXISTS (SELECT FROM devapp.audit_leaf l WHERE l.event_id = e.event_id)",
							  2, types, args, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "seal_audit: could not insert leaves");
	return SPI_processed;
}

/* A MerkleEmit: keep the larger subtrees. */
static void
keep_node(void *arg, int level, uint64_t position, const MerkleHash *hash)
{
	Sealer	   *s = arg;
	Datum		args[3] = {Int32GetDatum(level), Int64GetDatum((int64) position)};

	if (level < TRAIL_NODE_LEVEL)
		return;
	args[2] = PointerGetDatum(trail_bytes(hash->bytes, MERKLE_HASH_BYTES));
	if (SPI_execute_plan(s->insert_node, args, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "seal_audit: could not insert a node");
	pfree(DatumGetPointer(args[2]));
}

/* Append what a fetch brought. */
static void
append_rows(Sealer *s, SPITupleTable *rows)
{
	for (uint64 i = 0; i < rows->numvals; i++)
	{
		MerkleHash	leaf;
		bool		isnull;

		if (!trail_hash_read(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull),
							 &leaf))
			trail_damaged("The hash of an event is not a SHA-256 digest.");
		merkle_frontier_append(&s->tree, &leaf, keep_node, s);
	}
}

/* Let the tree grow by the leaves from its size on. */
static void
grow_tree(Sealer *s)
{
	Oid			types[1] = {INT8OID};
	Oid			node_types[3] = {INT4OID, INT8OID, BYTEAOID};
	Datum		args[1] = {Int64GetDatum((int64) s->tree.size)};
	Portal		portal;

	s->insert_node = trail_prepare("INSERT INTO devapp.audit_node (level, position, hash) VALUES ($1, $2, $3)",
								   3, node_types);
	portal = SPI_cursor_open_with_args(NULL,
									   "SELECT l.leaf_hash FROM devapp.audit_leaf l WHERE l.leaf_index >= $1 ORDER BY l.leaf_index",
									   1, types, args, NULL, false, 0);
	for (;;)
	{
		SPITupleTable *rows;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		rows = SPI_tuptable;
		append_rows(s, rows);
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
}

static void
write_checkpoint(const Sealer *s, bool first, uint64 previous_size,
				 FullTransactionId xmin)
{
	Oid			types[9] = {INT8OID, INT8OID, BYTEAOID, BYTEAOID, XID8OID, INT8OID,
	TEXTOID, BYTEAOID, TEXTOID};
	Datum		args[9];
	char		nulls[9] = {' ', first ? 'n' : ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
	char		checkpoint[CHECKPOINT_TEXT_MAX];
	MerkleHash	root;
	CheckpointKey key = {{0}};

	merkle_frontier_root(&s->tree, &root);
	if (!signing_key_write_checkpoint(s->tree.size, &root, checkpoint, &key))
		nulls[7] = 'n';
	args[0] = Int64GetDatum((int64) s->tree.size);
	args[1] = Int64GetDatum((int64) previous_size);
	args[2] = PointerGetDatum(trail_bytes(root.bytes, MERKLE_HASH_BYTES));
	args[3] = PointerGetDatum(trail_bytes(s->tree.peaks, (size_t) s->tree.count * MERKLE_HASH_BYTES));
	args[4] = FullTransactionIdGetDatum(xmin);
	args[5] = Int64GetDatum((int64) GetSystemIdentifier());
	args[6] = CStringGetTextDatum(checkpoint);
	args[7] = PointerGetDatum(trail_bytes(key.bytes, CHECKPOINT_KEY_BYTES));
	args[8] = PointerGetDatum(cstring_to_text_with_len(checkpoint, (int) strcspn(checkpoint, "\n")));
	if (SPI_execute_with_args("INSERT INTO devapp.audit_checkpoint (tree_size, previous_size, root, frontier,"
							  " xmin_at_seal, system_identifier, note, public_key, origin)"
							  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
							  9, types, args, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "seal_audit: could not insert a checkpoint");
}

static void
seal_events(void)
{
	Sealer		s = {0};
	FullTransactionId since;
	FullTransactionId xmin;
	bool		first = !load_last(&s, &since);
	uint64		previous_size = s.tree.size;

	require_all_covered(&s);
	xmin = oldest_open_transaction();
	if (insert_leaves(&s, since) > 0)
		grow_tree(&s);
	if (first || s.tree.size > previous_size)
		write_checkpoint(&s, first, previous_size, xmin);
}

/* seal_audit(): the last checkpoint, which is new if something was */
Datum
devapp_seal_audit(PG_FUNCTION_ARGS)
{
	bool		isnull;
	Datum		result;

	devapp_require_sodium();
	require_read_committed();
	SPI_connect();
	execute_sql("LOCK TABLE devapp.audit_checkpoint IN SHARE ROW EXCLUSIVE MODE",
				SPI_OK_UTILITY);
	execute_sql("SELECT devapp_internal.maintain_audit(3)", SPI_OK_SELECT);
	seal_events();
	execute_sql("SELECT c FROM devapp.audit_checkpoint c ORDER BY c.tree_size DESC LIMIT 1",
				SPI_OK_SELECT);
	result = SPI_datumTransfer(trail_value(0, 1, &isnull), false, -1);
	SPI_finish();
	PG_RETURN_DATUM(result);
}
