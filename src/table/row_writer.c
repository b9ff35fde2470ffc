/*
 * row_writer.c
 *		Inserts rows into a table of the model, as INSERT does, without a plan.
 *
 * A plan is made once, but starting it and ending it takes longer than all that it does with
 * one row.  What happens to a row is what happens to one of an INSERT: triggers of rows
 * and statements with their tables of new rows, constraints, indexes.  A column that was not set gets
 * its default.  Those that the library knows are set by it, because reading a default takes
 * longer as well; the rest are columns of a later version.
 *
 * A foreign key is checked by a query for each row.  Mostly the row that it refers to is one that the
 * caller has just made or locked, and then the caller answers for it: row_writer_trust().
 *
 * Privileges and row-level security are not asked, and rules (CREATE RULE) do nothing here: the
 * callers run with the rights of the tables' owner.
 *
 * Locking: RowExclusiveLock on the table until the end of the transaction.  Everything is
 * allocated in the executor's memory, and in the current memory context.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "table/row_writer.h"

/* Begin to insert rows into the table of an index: one statement, as its triggers see it. */
void
row_writer_open(RowWriter *writer, CatalogIndex index)
{
	PreventCommandIfReadOnly("INSERT");
	PreventCommandIfParallelMode("INSERT");
	/* see what the statement that calls has done */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	writer->rel = table_open(catalog_table(index), RowExclusiveLock);
	writer->estate = CreateExecutorState();
	writer->estate->es_snapshot = GetActiveSnapshot();
	writer->info = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->info, writer->rel, 0, NULL, 0);
	ExecOpenIndices(writer->info, false);
	/* triggers find it there */
	writer->estate->es_opened_result_relations = lappend(NIL, writer->info);
	writer->slot = ExecInitExtraTupleSlot(writer->estate, RelationGetDescr(writer->rel),
										  table_slot_callbacks(writer->rel));
	writer->next = 0;
	writer->is_set = palloc(sizeof(bool) * (size_t) RelationGetDescr(writer->rel)->natts);
	AfterTriggerBeginQuery();
	writer->capture = MakeTransitionCaptureState(writer->rel->trigdesc,
												 RelationGetRelid(writer->rel), CMD_INSERT);
	ExecBSInsertTriggers(writer->estate, writer->info);
}

/*
 * Don't look for the rows that a foreign key refers to, for each row a query: the caller has made
 * them in this transaction, or holds their locks (FOR KEY SHARE), and asks row_writer_require_id().
 * A constraint that has another name by now is checked.
 */
void
row_writer_trust(RowWriter *writer, const char *foreign_key)
{
	/* a copy of the relation's; what the executor keeps of each trigger has its place */
	TriggerDesc *triggers = writer->info->ri_TrigDesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		const char *constraint = RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_FK ?
			get_constraint_name(trigger->tgconstraint) : NULL;

		if (constraint != NULL && strcmp(constraint, foreign_key) == 0)
			trigger->tgenabled = TRIGGER_DISABLED;
	}
}

/* ---------- the values of a row ---------- */

void
row_writer_begin_row(RowWriter *writer)
{
	ExecClearTuple(writer->slot);
	memset(writer->is_set, false, sizeof(bool) * (size_t) RelationGetDescr(writer->rel)->natts);
}

static void
set_attribute(RowWriter *writer, int attno, Datum value, bool isnull)
{
	writer->slot->tts_values[attno - 1] = value;
	writer->slot->tts_isnull[attno - 1] = isnull;
	writer->is_set[attno - 1] = true;
}

/* Callers ask for columns in about the order of the table. */
static Form_pg_attribute
find_attribute(RowWriter *writer, const char *column)
{
	TupleDesc	desc = RelationGetDescr(writer->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		int			place = (writer->next + i) % desc->natts;
		Form_pg_attribute att = TupleDescAttr(desc, place);

		if (att->attisdropped || strcmp(NameStr(att->attname), column) != 0)
			continue;
		writer->next = place + 1;
		return att;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of table \"%s\" does not exist", column,
					RelationGetRelationName(writer->rel)),
			 errhint("Run ALTER EXTENSION devapp UPDATE.")));
	pg_unreachable();
}

/* A value of another type, taken for what is expected, would be a wild pointer. */
void
row_writer_set(RowWriter *writer, const char *column, Oid type, Datum value)
{
	Form_pg_attribute att = find_attribute(writer, column);

	if (att->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\" does not have the type that the library expects",
						column, RelationGetRelationName(writer->rel)),
				 errhint("Restore the type of the column, or install the library of this version.")));
	set_attribute(writer, att->attnum, value, false);
}

void
row_writer_set_null(RowWriter *writer, const char *column)
{
	set_attribute(writer, find_attribute(writer, column)->attnum, (Datum) 0, true);
}

/* Set a column to an argument of a function. */
void
row_writer_set_argument(RowWriter *writer, FunctionCallInfo fcinfo, int n, const char *column, Oid type)
{
	if (PG_ARGISNULL(n))
		row_writer_set_null(writer, column);
	else
		row_writer_set(writer, column, type, PG_GETARG_DATUM(n));
}

/* When a row is made: now(), as SQL has it. */
Datum
row_writer_time(void)
{
	return TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
}

/* A column whose type catalog.c has looked at; the catalog of the release before may lack it. */
void
row_writer_set_own(RowWriter *writer, CatalogColumn column, Datum value)
{
	if (AttributeNumberIsValid(catalog_column(column)))
		set_attribute(writer, catalog_column(column), value, false);
}

static void
set_default(RowWriter *writer, int attno)
{
	Node	   *expression = build_column_default(writer->rel, attno);
	bool		isnull = true;
	Datum		value = (Datum) 0;

	if (expression != NULL)
		value = ExecEvalExprSwitchContext(ExecPrepareExpr((Expr *) expression, writer->estate),
										  GetPerTupleExprContext(writer->estate), &isnull);
	set_attribute(writer, attno, value, isnull);
}

static void
set_defaults(RowWriter *writer)
{
	TupleDesc	desc = RelationGetDescr(writer->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (writer->is_set[i])
			continue;
		if (att->attisdropped || att->attgenerated != '\0')
			set_attribute(writer, i + 1, (Datum) 0, true);
		else
			set_default(writer, i + 1);
	}
}

/* ---------- inserting ---------- */

/* Insert the row; false if a trigger suppresses it.  Afterwards the slot holds the row as it was inserted. */
bool
row_writer_put(RowWriter *writer)
{
	TriggerDesc *triggers = writer->rel->trigdesc;
	TupleTableSlot *slot = writer->slot;
	TupleConstr *constraints = RelationGetDescr(writer->rel)->constr;
	List	   *recheck = NIL;

	set_defaults(writer);
	ExecStoreVirtualTuple(slot);
	if (triggers != NULL && triggers->trig_insert_before_row &&
		!ExecBRInsertTriggers(writer->estate, writer->info, slot))
		return false;
	slot->tts_tableOid = RelationGetRelid(writer->rel);
	if (constraints != NULL && constraints->has_generated_stored)
		ExecComputeStoredGenerated(writer->info, writer->estate, slot, CMD_INSERT);
	if (constraints != NULL)
		ExecConstraints(writer->info, slot, writer->estate);
	table_tuple_insert(writer->rel, slot, GetCurrentCommandId(true), 0, NULL);
	if (writer->info->ri_NumIndices > 0)
		recheck = compat_insert_index_tuples(writer->info, slot, writer->estate);
	ExecARInsertTriggers(writer->estate, writer->info, slot, recheck, writer->capture);
	list_free(recheck);
	ResetPerTupleExprContext(writer->estate);
	return true;
}

/*
 * What a row refers to was looked for by the value that was set, so a row that a trigger made refer to
 * something else is refused.
 */
void
row_writer_require_id(RowWriter *writer, const char *column, Datum id)
{
	bool		isnull;
	Datum		value = slot_getattr(writer->slot, find_attribute(writer, column)->attnum, &isnull);

	if (isnull || memcmp(DatumGetUUIDP(value), DatumGetUUIDP(id), UUID_LEN) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("a trigger changed column \"%s\" of a row of table \"%s\"", column,
						RelationGetRelationName(writer->rel))));
}

/* The row as it was inserted. */
Datum
row_writer_row(const RowWriter *writer)
{
	bool		must_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(writer->slot, true, &must_free);
	Datum		row = heap_copy_tuple_as_datum(tuple, RelationGetDescr(writer->rel));

	if (must_free)
		heap_freetuple(tuple);
	return row;
}

/* End the statement: its triggers run. */
void
row_writer_close(RowWriter *writer)
{
	ExecASInsertTriggers(writer->estate, writer->info, writer->capture);
	AfterTriggerEndQuery(writer->estate);
	ExecCloseResultRelations(writer->estate);
	ExecResetTupleTable(writer->estate->es_tupleTable, false);
	FreeExecutorState(writer->estate);
	PopActiveSnapshot();
	table_close(writer->rel, NoLock);
	CommandCounterIncrement();
}
