/*
 * verify_trail.c
 *		verify_audit(): is the audit trail what was sealed?
 *
 * Three passes, each streamed through a cursor, all in the caller's snapshot:
 *
 *	1.	The leaves, in their order, grow a tree.  It is compared with each checkpoint
 *		when it has that size, with an exported one, and with the subtrees that are
 *		kept.  A checkpoint whose root is right proves every leaf before it.
 *	2.	Leaves that no checkpoint proves: which of them are out of order?
 *	3.	Events against leaves, with the hash computed anew.
 *
 * What is wrong in the first two tells how to name what the third finds: where the
 * leaf is proved, it is the event that was altered.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "seal/signing_key.h"
#include "seal/trail.h"

PG_FUNCTION_INFO_V1(devapp_verify_audit);

#define FETCH_ROWS	1000
#define NO_ID		PG_INT64_MIN
#define LL(n)		((long long) (n))

/* A row of devapp.audit_checkpoint. */
typedef struct Stored
{
	bool		valid;			/* there is one */
	uint64		size;
	MerkleHash	roots[2];		/* of the column and of the note, as far as readable */
	int			nroots;
	bytea	   *frontier;
	char	   *origin;
} Stored;

/* Subtrees that are not what the leaves give. */
typedef struct BadNode
{
	int			level;
	uint64		position;
} BadNode;

typedef struct Verifier
{
	ReturnSetInfo *result;
	SigningKeys	trusted;		/* of the key file */
	MerkleFrontier tree;
	bool		whole;			/* the leaves came without a gap */
	uint64		proved;			/* leaves that a checkpoint proves */

	Portal		checkpoints;
	Stored		next;			/* that the tree has not reached */
	int64		last_size;		/* of the one before; -1: none */
	bool		seen_signed;
	CheckpointKey last_unknown;	/* key that was reported */
	List	   *wrong;			/* sizes with another root, after the last right one */

	uint64		nodes;			/* that there must be */
	BadNode    *bad;
	int			nbad;
	int			bad_room;

	bool		has_exported;
	Checkpoint	exported;
} Verifier;

static void report_problem(Verifier *v, const char *problem, int64 event_id,
						   int64 leaf_index, const char *fmt,...)
			__attribute__((format(printf, 5, 6)));

/* A row of the answer. */
static void
report_problem(Verifier *v, const char *problem, int64 event_id, int64 leaf_index,
			   const char *fmt,...)
{
	Datum		values[4];
	bool		nulls[4] = {false, event_id == NO_ID, leaf_index == NO_ID, false};
	char		detail[512];
	va_list		args;

	va_start(args, fmt);
	(void) vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	values[0] = CStringGetTextDatum(problem);
	values[1] = Int64GetDatum(event_id);
	values[2] = Int64GetDatum(leaf_index);
	values[3] = CStringGetTextDatum(detail);
	tuplestore_putvalues(v->result->setResult, v->result->setDesc, values, nulls);
}

/* ---------- what SPI brings ---------- */

static Portal
open_cursor(const char *sql, int nargs, int64 arg)
{
	Oid			types[1] = {INT8OID};
	Datum		args[1] = {Int64GetDatum(arg)};

	return SPI_cursor_open_with_args(NULL, sql, nargs, types, args, NULL, true, 0);
}

/* Call a function with each row; SPI_tuptable holds them. */
static void
for_each_row(Portal portal, bool (*row) (Verifier *v, SPITupleTable *rows, int i),
			 Verifier *v)
{
	bool		more = true;

	while (more)
	{
		SPITupleTable *rows;
		int			n;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		rows = SPI_tuptable;
		n = (int) SPI_processed;
		more = n > 0;
		for (int i = 0; i < n && more; i++)
			more = row(v, rows, i);
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
}

static Datum
column_value(SPITupleTable *rows, int i, int number, bool *isnull)
{
	return SPI_getbinval(rows->vals[i], rows->tupdesc, number, isnull);
}

static int64
column_int64(SPITupleTable *rows, int i, int number)
{
	bool		isnull;
	Datum		value = column_value(rows, i, number, &isnull);

	return isnull ? NO_ID : DatumGetInt64(value);
}

/* Is a boolean true, and not null? */
static bool
column_is_true(SPITupleTable *rows, int i, int number)
{
	bool		isnull;
	Datum		value = column_value(rows, i, number, &isnull);

	return !isnull && DatumGetBool(value);
}

/* ---------- checkpoints: each for itself ---------- */

static bool
is_trusted(const Verifier *v, const CheckpointKey *key)
{
	for (int i = 0; i < v->trusted.count; i++)
	{
		if (memcmp(&v->trusted.keys[i], key, sizeof(*key)) == 0)
			return true;
	}
	/* without a file there is nothing better than the key of the row */
	return v->trusted.count == 0;
}

/* A checkpoint whose row has no key. */
static void
check_unsigned(Verifier *v, const Checkpoint *c)
{
	if (checkpoint_check(c, NULL, 0) != CHECKPOINT_UNSIGNED)
		report_problem(v, "signature_invalid", NO_ID, NO_ID,
					   "checkpoint of %lld leaves: it is signed, but the key is missing",
					   LL(v->next.size));
	else if (v->seen_signed)
		report_problem(v, "signature_missing", NO_ID, NO_ID,
					   "checkpoint of %lld leaves: it is not signed, while earlier ones are",
					   LL(v->next.size));
}

static void
check_signed(Verifier *v, const Checkpoint *c, const CheckpointKey *key)
{
	char		verifier[CHECKPOINT_VERIFIER_MAX];

	v->seen_signed = true;
	if (checkpoint_check(c, key, 1) != CHECKPOINT_VALID)
	{
		report_problem(v, "signature_invalid", NO_ID, NO_ID,
					   "checkpoint of %lld leaves: the signature is invalid",
					   LL(v->next.size));
		return;
	}
	if (is_trusted(v, key) || memcmp(key, &v->last_unknown, sizeof(*key)) == 0)
		return;
	v->last_unknown = *key;
	checkpoint_verifier_write(c->origin, key, verifier);
	report_problem(v, "signature_unknown", NO_ID, NO_ID,
				   "checkpoint of %lld leaves: it is signed with %s, which is not in devapp.audit_key_file",
				   LL(v->next.size), verifier);
}

static void
check_signature(Verifier *v, const Checkpoint *c, Datum public_key, bool isnull)
{
	bytea	   *bytes;
	CheckpointKey key;

	if (isnull)
	{
		check_unsigned(v, c);
		return;
	}
	bytes = DatumGetByteaPP(public_key);
	if (VARSIZE_ANY_EXHDR(bytes) != CHECKPOINT_KEY_BYTES)
	{
		report_problem(v, "checkpoint_altered", NO_ID, NO_ID,
					   "checkpoint of %lld leaves: public_key is not a valid key", LL(v->next.size));
		return;
	}
	memcpy(key.bytes, VARDATA_ANY(bytes), CHECKPOINT_KEY_BYTES);
	check_signed(v, c, &key);
}

/* The one before it, by its own account, and that is there. */
static void
check_previous(Verifier *v, int64 previous_size)
{
	int64		previous = previous_size == NO_ID ? -1 : previous_size;

	if (previous == v->last_size)
		return;
	if (previous > v->last_size)
		report_problem(v, "checkpoint_missing", NO_ID, NO_ID,
					   "checkpoint of %lld leaves, the predecessor of that of %lld leaves, is missing",
					   LL(previous), LL(v->next.size));
	else
		report_problem(v, "checkpoint_altered", NO_ID, NO_ID,
					   "checkpoint of %lld leaves does not name that of %lld leaves as its predecessor",
					   LL(v->next.size), LL(v->last_size));
}

/* Text, root and signature of v->next, whose row this is. */
static void
check_text(Verifier *v, SPITupleTable *rows)
{
	Stored	   *s = &v->next;
	bool		isnull;
	char	   *checkpoint = TextDatumGetCString(column_value(rows, 0, 5, &isnull));
	Datum		public_key;
	Checkpoint	c;
	const char *problem = checkpoint_read(checkpoint, strlen(checkpoint), &c);

	if (trail_hash_read(column_value(rows, 0, 3, &isnull), &s->roots[0]))
		s->nroots = 1;
	if (problem != NULL)
	{
		report_problem(v, "checkpoint_altered", NO_ID, NO_ID,
					   "checkpoint of %lld leaves: its note is invalid: %s", LL(s->size), problem);
		return;
	}
	if (s->nroots == 0 || c.size != s->size ||
		!merkle_hash_equal(&c.root, &s->roots[0]))
		report_problem(v, "checkpoint_altered", NO_ID, NO_ID,
					   "checkpoint of %lld leaves: tree_size and root do not match its note",
					   LL(s->size));
	if (c.size == s->size)
		s->roots[s->nroots++] = c.root;
	/* nothing but the column vouches for the first line of a note that is not signed */
	if (strcmp(c.origin, s->origin) != 0)
		report_problem(v, "checkpoint_altered", NO_ID, NO_ID,
					   "checkpoint of %lld leaves: origin does not match its note",
					   LL(s->size));
	public_key = column_value(rows, 0, 6, &isnull);
	check_signature(v, &c, public_key, isnull);
}

/* Go to the next checkpoint. */
static void
next_checkpoint(Verifier *v)
{
	SPITupleTable *rows;
	bool		isnull;

	if (v->next.valid)
		v->last_size = (int64) v->next.size;
	memset(&v->next, 0, sizeof(v->next));
	SPI_cursor_fetch(v->checkpoints, true, 1);
	rows = SPI_tuptable;
	if (SPI_processed > 0)
	{
		v->next.valid = true;
		v->next.size = (uint64) column_int64(rows, 0, 1);
		v->next.frontier = DatumGetByteaPCopy(column_value(rows, 0, 4, &isnull));
		v->next.origin = TextDatumGetCString(column_value(rows, 0, 7, &isnull));
		check_previous(v, column_int64(rows, 0, 2));
		check_text(v, rows);
	}
	SPI_freetuptable(rows);
}

/* ---------- the tree against the checkpoints ---------- */

/* A right root after wrong ones: it is not the leaves that were altered. */
static void
blame_checkpoints(Verifier *v)
{
	ListCell   *cell;

	foreach(cell, v->wrong)
		report_problem(v, "checkpoint_altered", NO_ID, NO_ID,
					   "checkpoint of %lld leaves: its root does not match the leaves, which a later checkpoint confirms",
					   *(long long *) lfirst(cell));
	list_free_deep(v->wrong);
	v->wrong = NIL;
}

static void
compare_frontier(Verifier *v)
{
	bytea	   *frontier = v->next.frontier;
	size_t		len = (size_t) v->tree.count * MERKLE_HASH_BYTES;

	if (VARSIZE_ANY_EXHDR(frontier) != len ||
		memcmp(VARDATA_ANY(frontier), v->tree.peaks, len) != 0)
		report_problem(v, "checkpoint_altered", NO_ID, NO_ID,
					   "checkpoint of %lld leaves: its frontier does not match the leaves",
					   LL(v->next.size));
}

static void
compare_checkpoint(Verifier *v, const MerkleHash *root)
{
	bool		right = false;
	long long  *size;

	for (int i = 0; i < v->next.nroots; i++)
		right = right || merkle_hash_equal(&v->next.roots[i], root);
	if (right)
	{
		v->proved = v->tree.size;
		blame_checkpoints(v);
		compare_frontier(v);
		return;
	}
	size = palloc(sizeof(*size));
	*size = LL(v->next.size);
	v->wrong = lappend(v->wrong, size);
}

/* The tree has got a leaf, or has none yet: who says what it is now? */
static void
compare_tree(Verifier *v)
{
	bool		stored = v->next.valid && v->next.size == v->tree.size;
	bool		exported = v->has_exported && v->exported.size == v->tree.size;
	MerkleHash	root;

	if (!stored && !exported)
		return;
	merkle_frontier_root(&v->tree, &root);
	if (stored && exported && strcmp(v->exported.origin, v->next.origin) != 0)
		report_problem(v, "checkpoint_altered", NO_ID, NO_ID,
					   "checkpoint of %lld leaves: its origin does not match the given checkpoint",
					   LL(v->next.size));
	if (stored)
	{
		compare_checkpoint(v, &root);
		next_checkpoint(v);
	}
	if (exported && !merkle_hash_equal(&v->exported.root, &root))
		report_problem(v, "log_rewritten", NO_ID, NO_ID,
					   "the first %lld leaves do not match the root of the given checkpoint",
					   LL(v->exported.size));
}

/* A MerkleEmit: is the subtree kept as it is? */
static void
compare_node(void *arg, int level, uint64_t position, const MerkleHash *hash)
{
	Verifier   *v = arg;
	MerkleHash	kept;

	if (level < TRAIL_NODE_LEVEL)
		return;
	v->nodes++;
	if (trail_node_find(level, position, &kept) && merkle_hash_equal(&kept, hash))
		return;
	if (v->nbad == v->bad_room)
	{
		v->bad_room = Max(64, 2 * v->bad_room);
		v->bad = v->bad ? repalloc_huge(v->bad, sizeof(BadNode) * (size_t) v->bad_room)
			: palloc(sizeof(BadNode) * (size_t) v->bad_room);
	}
	v->bad[v->nbad++] = (BadNode) {level, position};
}

/* A row of the first pass; false ends it. */
static bool
grow_tree(Verifier *v, SPITupleTable *rows, int i)
{
	MerkleHash	leaf;
	bool		isnull;

	v->whole = column_int64(rows, i, 1) == (int64) v->tree.size;
	if (!v->whole)
		return false;
	if (!trail_hash_read(column_value(rows, i, 2, &isnull), &leaf))
	{
		/* no hash: nothing that a right root could come from */
		memset(&leaf, 0, sizeof(leaf));
		report_problem(v, "leaf_altered", NO_ID, (int64) v->tree.size,
					   "leaf_hash is not a SHA-256 digest");
	}
	merkle_frontier_append(&v->tree, &leaf, compare_node, v);
	compare_tree(v);
	return true;
}

static bool
report_gap(Verifier *v, SPITupleTable *rows, int i)
{
	int64		before = column_int64(rows, i, 1);
	int64		after = column_int64(rows, i, 2);

	report_problem(v, "leaf_missing", NO_ID, before + 1,
				   "leaf %lld follows leaf %lld: no root can be computed from here on",
				   LL(after), LL(before));
	return true;
}

static void
report_gaps(Verifier *v)
{
	for_each_row(open_cursor("SELECT x.before, x.leaf_index"
							 "  FROM (SELECT l.leaf_index, lag(l.leaf_index, 1, $1 - 1) OVER (ORDER BY l.leaf_index) AS before"
							 "          FROM devapp.audit_leaf l WHERE l.leaf_index < 0 OR l.leaf_index >= $1) AS x"
							 " WHERE x.leaf_index <> x.before + 1 ORDER BY x.leaf_index",
							 1, (int64) v->tree.size),
				 report_gap, v);
}

/* What checkpoints are left after the last leaf. */
static void
report_ends(Verifier *v)
{
	uint64		size = v->tree.size;

	if (v->next.valid && v->whole)
		report_problem(v, "leaf_missing", NO_ID, (int64) size,
					   "the last leaves: there is a checkpoint of %lld leaves", LL(v->next.size));
	while (v->next.valid)
		next_checkpoint(v);
	if (v->whole && size > 0 && v->last_size < (int64) size)
		report_problem(v, "checkpoint_missing", NO_ID, Max(v->last_size, 0),
					   "no checkpoint covers the leaves from here to %lld", LL(size) - 1);
	if (v->has_exported && v->exported.size > size)
		report_problem(v, "log_truncated", NO_ID, (int64) size,
					   "the given checkpoint covers %lld leaves, of which only the first %lld exist without a gap",
					   LL(v->exported.size), LL(size));
}

static void
report_wrong_roots(Verifier *v)
{
	long long	first;

	if (v->wrong == NIL)
		return;
	first = *(long long *) linitial(v->wrong);
	report_problem(v, "root_mismatch", NO_ID, (int64) v->proved,
				   "leaves %lld to %lld do not match the root of the checkpoint of %lld leaves, nor those of %d later ones",
				   LL(v->proved), first - 1, first, list_length(v->wrong) - 1);
}

/* Subtrees that are wrong although their leaves are right. */
static void
report_nodes(Verifier *v)
{
	for (int i = 0; i < v->nbad; i++)
	{
		BadNode    *b = &v->bad[i];

		if (((b->position + 1) << b->level) <= v->proved)
			report_problem(v, "node_altered", NO_ID, (int64) (b->position << b->level),
						   "subtree of level %d and position %lld does not match its leaves",
						   b->level, LL(b->position));
	}
	if (SPI_execute("SELECT count(*) FROM devapp.audit_node", true, 0) == SPI_OK_SELECT &&
		v->whole && trail_int64(0, 1) > (int64) v->nodes)
		report_problem(v, "node_altered", NO_ID, NO_ID,
					   "the number of subtrees does not match the log: %lld, not %lld",
					   LL(trail_int64(0, 1)), LL(v->nodes));
}

static void
check_log(Verifier *v)
{
	v->checkpoints = open_cursor("SELECT c.tree_size, c.previous_size, c.root, c.frontier, c.note, c.public_key, c.origin"
								 "  FROM devapp.audit_checkpoint c ORDER BY c.tree_size",
								 0, 0);
	next_checkpoint(v);
	compare_tree(v);
	for_each_row(open_cursor("SELECT l.leaf_index, l.leaf_hash FROM devapp.audit_leaf l ORDER BY l.leaf_index",
							 0, 0),
				 grow_tree, v);
	if (!v->whole)
		report_gaps(v);
	report_ends(v);
	report_wrong_roots(v);
	report_nodes(v);
	SPI_cursor_close(v->checkpoints);
}

/* ---------- leaves out of order ---------- */

static bool
report_order(Verifier *v, SPITupleTable *rows, int i)
{
	report_problem(v, "leaf_reordered", column_int64(rows, i, 2), column_int64(rows, i, 1),
				   "its event is out of order with those of the neighboring leaves");
	return true;
}

/*
 * Within what was sealed at once, events ascend.  A leaf is out of order if those
 * around it are in order without it; at an end, if it does not fit to the two that
 * are next to it.
 */
static const char *const order_query =
"SELECT x.leaf_index, x.event_id"
"  FROM (SELECT b.leaf_index, b.event_id, lag(b.event_id) OVER w AS before, lead(b.event_id) OVER w AS after,"
"               lag(b.event_id, 2) OVER w AS before2, lead(b.event_id, 2) OVER w AS after2"
"          FROM (SELECT l.leaf_index, l.event_id,"
"                       (SELECT min(c.tree_size) FROM devapp.audit_checkpoint c WHERE c.tree_size > l.leaf_index) AS batch"
"                  FROM devapp.audit_leaf l WHERE l.leaf_index >= $1) AS b"
"        WINDOW w AS (PARTITION BY b.batch ORDER BY b.leaf_index)) AS x"
" WHERE CASE WHEN x.before IS NULL THEN x.event_id > greatest(x.after, x.after2)"
"            WHEN x.after IS NULL THEN x.event_id < least(x.before, x.before2)"
"            ELSE x.before < x.after AND x.event_id NOT BETWEEN x.before AND x.after END"
" ORDER BY x.leaf_index";

static void
check_order(Verifier *v)
{
	if (v->whole && v->proved == v->tree.size)
		return;
	for_each_row(open_cursor(order_query, 1, (int64) v->proved), report_order, v);
}

/* ---------- events ---------- */

/* Can a leaf be one that was altered?  Not if a root or a subtree proves it. */
static bool
leaf_is_suspect(const Verifier *v, int64 leaf_index)
{
	uint64		block = (uint64) leaf_index >> TRAIL_NODE_LEVEL;

	if (leaf_index < 0 || (uint64) leaf_index >= v->tree.size)
		return true;
	if ((uint64) leaf_index < v->proved)
		return false;
	if (block == v->tree.size >> TRAIL_NODE_LEVEL)
		return true;
	for (int i = 0; i < v->nbad; i++)
	{
		if (v->bad[i].level == TRAIL_NODE_LEVEL && v->bad[i].position == block)
			return true;
	}
	return false;
}

/* An event whose leaf has another hash. */
static void
report_difference(Verifier *v, int64 event_id, int64 leaf_index, bool consistent)
{
	if (!consistent)
		report_problem(v, "event_altered", event_id, leaf_index,
					   "its hash is neither leaf_hash of the event nor that of the leaf");
	else if (leaf_is_suspect(v, leaf_index))
		report_problem(v, "leaf_altered", event_id, leaf_index,
					   "the hash of the leaf is not that of the event");
	else
		report_problem(v, "event_altered", event_id, leaf_index,
					   "its hash is not the one that was sealed; leaf_hash of the event was altered with it");
}

/* A row of the third pass: something is wrong with it. */
static bool
report_event(Verifier *v, SPITupleTable *rows, int i)
{
	int64		event_id = column_int64(rows, i, 1);
	int64		leaf_event = column_int64(rows, i, 2);
	int64		leaf_index = column_int64(rows, i, 3);
	bool		consistent = column_is_true(rows, i, 4);

	if (event_id == NO_ID)
		report_problem(v, "event_missing", leaf_event, leaf_index,
					   "the event of this leaf is missing");
	else if (leaf_event != NO_ID && column_is_true(rows, i, 5))
		report_problem(v, "event_altered", event_id, leaf_index,
					   "leaf_hash of the event is not its hash, which is the one that was sealed");
	else if (leaf_event != NO_ID)
		report_difference(v, event_id, leaf_index, consistent);
	else
	{
		if (!consistent)
			report_problem(v, "event_altered", event_id, NO_ID,
						   "its hash is not leaf_hash of the event; it is not sealed yet");
		if (column_is_true(rows, i, 6))
			report_problem(v, "event_inserted", event_id, NO_ID,
						   "it is not sealed, although its transaction had ended before the last checkpoint");
	}
	return true;
}

static void
check_events(Verifier *v)
{
	for_each_row(open_cursor("SELECT e.event_id, l.event_id, l.leaf_index, e.leaf_hash = e.actual, l.leaf_hash = e.actual,"
							 "       e.transaction_id < c.xmin_at_seal"
							 "  FROM (SELECT x.event_id, x.leaf_hash, x.transaction_id, devapp_internal.audit_leaf_hash(x) AS actual"
							 "          FROM devapp.audit_event x OFFSET 0) AS e"
							 "  FULL JOIN devapp.audit_leaf l ON l.event_id = e.event_id"
							 "  LEFT JOIN (SELECT k.xmin_at_seal, k.system_identifier FROM devapp.audit_checkpoint k"
							 "              ORDER BY k.tree_size DESC LIMIT 1) AS c ON c.system_identifier = $1"
							 " WHERE e.event_id IS NULL OR e.actual <> e.leaf_hash OR e.actual <> l.leaf_hash"
							 "    OR (l.event_id IS NULL AND e.transaction_id < c.xmin_at_seal)"
							 " ORDER BY l.leaf_index, e.event_id",
							 1, (int64) GetSystemIdentifier()),
				 report_event, v);
}

/* ---------- an exported checkpoint ---------- */

static void
read_exported(Verifier *v, const char *checkpoint)
{
	const char *problem = checkpoint_read(checkpoint, strlen(checkpoint), &v->exported);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this is not a checkpoint"),
				 errdetail("%s", problem),
				 errhint("Give the value of column \"note\" of devapp.audit_checkpoint as it was exported.")));
	v->has_exported = true;
}

/* Against the keys of the file; without one there is nothing to trust. */
static void
check_exported_signature(Verifier *v)
{
	if (v->trusted.count == 0)
		return;
	switch (checkpoint_check(&v->exported, v->trusted.keys, v->trusted.count))
	{
		case CHECKPOINT_INVALID:
			report_problem(v, "signature_invalid", NO_ID, NO_ID,
						   "the given checkpoint: the signature is invalid");
			break;
		case CHECKPOINT_UNKNOWN_KEY:
			report_problem(v, "signature_unknown", NO_ID, NO_ID,
						   "the given checkpoint is signed with a key that is not in devapp.audit_key_file");
			break;
		case CHECKPOINT_UNSIGNED:	/* it may be from before there was a key */
		case CHECKPOINT_VALID:
			break;
	}
}

/* verify_audit(checkpoint): problem, event_id, leaf_index, detail */
Datum
devapp_verify_audit(PG_FUNCTION_ARGS)
{
	Verifier	v = {0};

	devapp_require_sodium();
	InitMaterializedSRF(fcinfo, 0);
	v.result = (ReturnSetInfo *) fcinfo->resultinfo;
	v.whole = true;
	v.last_size = -1;
	signing_keys_read(&v.trusted);
	if (!PG_ARGISNULL(0))
	{
		read_exported(&v, text_to_cstring(PG_GETARG_TEXT_PP(0)));
		check_exported_signature(&v);
	}
	SPI_connect();
	check_log(&v);
	check_order(&v);
	check_events(&v);
	SPI_finish();
	return (Datum) 0;
}
