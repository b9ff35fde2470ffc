/*
 * usage_change.c
 *		Which days of usage have changed since the reports added them up.
 *
 * Whoever changes a day of devapp.usage_day or devapp.usage_latency notes it, as a row of
 * devapp_internal.usage_change: rolling up by itself, everybody else by a trigger.  The note is
 * written in the transaction that changes the day, so whoever sees the change sees the
 * note.  Each transaction writes notes of its own, because one that another has
 * written may be taken away before this one commits.
 *
 * A refresh takes the notes that its snapshot shows, and adds up in a later one.  It holds the
 * lock of the row of devapp.report_refresh that adds up that table, so nobody else takes
 * notes on it meanwhile.
 *
 * The table is written to past its triggers: what a publication sends of it is
 * ignored (sql/usage/triggers.sql), since the triggers of the subscriber make its notes.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "meter/internal_table.h"
#include "meter/usage_change.h"

PG_FUNCTION_INFO_V1(devapp_note_usage_change);
PG_FUNCTION_INFO_V1(devapp_note_usage_day);
PG_FUNCTION_INFO_V1(devapp_take_usage_changes);

/* the columns of devapp_internal.usage_change */
enum
{
	CHANGE_SOURCE,
	CHANGE_DAY,
	CHANGE_COLUMNS
};

static const char *const source_names[] = {
	[SOURCE_DAY] = "usage_day",
	[SOURCE_LATENCY] = "usage_latency"
};

/* A transaction that touches more days than this notes all of them at once. */
#define MOST_NOTES	64

/*
 * What the current subtransaction has noted.  Neither the ids of transactions nor, in one of
 * them, those of subtransactions come again, so what another one noted is never taken for it.
 */
typedef struct Noted
{
	FullTransactionId transaction;
	SubTransactionId subtransaction;
	int			n;
	DateADT		days[MOST_NOTES];
} Noted;

static Noted noted[lengthof(source_names)];

static void
write_note(UsageSource source, DateADT day)
{
	Relation	changes = internal_table_open("usage_change", RowExclusiveLock);
	Datum		values[CHANGE_COLUMNS];
	bool		nulls[CHANGE_COLUMNS] = {false};
	HeapTuple	tuple;

	values[CHANGE_SOURCE] = CStringGetTextDatum(source_names[source]);
	values[CHANGE_DAY] = DateADTGetDatum(day);
	tuple = heap_form_tuple(RelationGetDescr(changes), values, nulls);
	simple_heap_insert(changes, tuple);
	heap_freetuple(tuple);
	pfree(DatumGetPointer(values[CHANGE_SOURCE]));
	table_close(changes, NoLock);
}

static Noted *
noted_by_current(UsageSource source)
{
	Noted	   *current = &noted[source];
	FullTransactionId transaction = GetTopFullTransactionId();
	SubTransactionId subtransaction = GetCurrentSubTransactionId();

	if (!FullTransactionIdEquals(current->transaction, transaction) ||
		current->subtransaction != subtransaction)
	{
		current->transaction = transaction;
		current->subtransaction = subtransaction;
		current->n = 0;
	}
	return current;
}

/* Note that a day has changed, or will by the end of the command. */
void
usage_change_note(UsageSource source, DateADT day)
{
	Noted	   *current = noted_by_current(source);

	if (current->n == MOST_NOTES)
		return;
	for (int i = current->n - 1; i >= 0; i--)
	{
		if (current->days[i] == day)
			return;
	}
	/* the beginning of time stands for every day */
	write_note(source, current->n == MOST_NOTES - 1 ? DATEVAL_NOBEGIN : day);
	current->days[current->n++] = day;
}

static UsageSource
source_of_name(const char *name)
{
	for (int i = 0; i < (int) lengthof(source_names); i++)
	{
		if (strcmp(source_names[i], name) == 0)
			return (UsageSource) i;
	}
	elog(ERROR, "there is no usage \"%s\"", name);
}

/* ---------- the trigger ---------- */

static void
note_row(UsageSource source, TupleDesc desc, HeapTuple row)
{
	int			column = SPI_fnumber(desc, "day");
	bool		isnull = true;
	Datum		day = 0;

	if (column > 0 && SPI_gettypeid(desc, column) == DATEOID)
		day = heap_getattr(row, column, desc, &isnull);
	usage_change_note(source, isnull ? DATEVAL_NOBEGIN : DatumGetDateADT(day));
}

/* SQL: a trigger before each row that is changed; its argument is the name of the source. */
Datum
devapp_note_usage_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	UsageSource source;
	bool		is_update;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) || trigdata->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called as the expected kind of trigger")));
	desc = RelationGetDescr(trigdata->tg_relation);
	source = source_of_name(trigdata->tg_trigger->tgargs[0]);
	is_update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	note_row(source, desc, trigdata->tg_trigtuple);
	if (is_update)
		note_row(source, desc, trigdata->tg_newtuple);
	PG_RETURN_POINTER(is_update ? trigdata->tg_newtuple : trigdata->tg_trigtuple);
}

/* Says whether a table has no trigger but this one. */
bool
usage_change_is_only_trigger(const TriggerDesc *triggers)
{
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		FmgrInfo	function;

		fmgr_info(triggers->triggers[i].tgfoid, &function);
		if (function.fn_addr != devapp_note_usage_change)
			return false;
	}
	return true;
}

/* ---------- for the refresh ---------- */

/* SQL: devapp_internal.note_usage_day(text, date) */
Datum
devapp_note_usage_day(PG_FUNCTION_ARGS)
{
	usage_change_note(source_of_name(text_to_cstring(PG_GETARG_TEXT_PP(0))), PG_GETARG_DATEADT(1));
	PG_RETURN_VOID();
}

/* SQL: devapp_internal.take_usage_changes(text); the notes of a source, which are taken away. */
Datum
devapp_take_usage_changes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	UsageSource source = source_of_name(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Relation	changes = internal_table_open("usage_change", RowExclusiveLock);
	TupleTableSlot *slot = table_slot_create(changes, NULL);
	TableScanDesc scan;

	InitMaterializedSRF(fcinfo, 0);
	scan = compat_table_beginscan(changes, GetActiveSnapshot());
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		if (source_of_name(TextDatumGetCString(slot->tts_values[CHANGE_SOURCE])) != source)
			continue;
		tuplestore_putvalues(result->setResult, result->setDesc, slot->tts_values, slot->tts_isnull);
		simple_heap_delete(changes, &slot->tts_tid);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(changes, NoLock);
	/* what is noted from here on is noted again */
	noted[source].n = 0;
	return (Datum) 0;
}
