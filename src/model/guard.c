/*
 * guard.c
 *		The triggers that keep bad rows out, whatever statement brings them.
 *
 *	guard_row('column:rule', ...)		BEFORE INSERT OR UPDATE, each row; it also puts
 *										names into their canonical form
 *	guard_immutable('column', ...)		BEFORE UPDATE, each row
 *	guard_secret()						BEFORE UPDATE, each row of devapp.credential_secret
 *	guard_delete('hint')				BEFORE DELETE OR TRUNCATE, each statement
 *
 * They run before constraints are checked, so that the error names the column
 * and what to do, and no DETAIL prints a row.  What the rules are is in
 * validate.c, which table has which in the triggers.sql of its topic.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/trigger.h"
#include "model/guard.h"
#include "model/validate.h"

PG_FUNCTION_INFO_V1(devapp_guard_row);
PG_FUNCTION_INFO_V1(devapp_guard_immutable);
PG_FUNCTION_INFO_V1(devapp_guard_secret);
PG_FUNCTION_INFO_V1(devapp_guard_delete);

/*
 * Is word one of the words of an argument like "word,word" or "word,word=column"?
 * In an argument that is not there (NULL) there is none.
 */
bool
guard_list_has_word(const char *list, const char *word)
{
	size_t		len = strlen(word);

	while (list != NULL)
	{
		size_t		n = strcspn(list, ",=");

		if (n == len && strncmp(list, word, n) == 0)
			return true;
		list = list[n] == ',' ? list + n + 1 : NULL;
	}
	return false;
}

static TriggerData *
require_trigger(FunctionCallInfo fcinfo, bool row)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		row != (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) != 0))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called as the expected kind of trigger")));
	trigger_require_own_table(trigdata);
	return trigdata;
}

static int
require_column(TupleDesc desc, const char *name)
{
	int			attno = SPI_fnumber(desc, name);

	if (attno <= 0)
		elog(ERROR, "guard: there is no column %s", name);
	return attno;
}

static bool
value_changed(TupleDesc desc, int attno, HeapTuple old_row, HeapTuple new_row)
{
	Form_pg_attribute att = TupleDescAttr(desc, attno - 1);
	bool		old_null;
	bool		new_null;
	Datum		old_value = SPI_getbinval(old_row, desc, attno, &old_null);
	Datum		new_value = SPI_getbinval(new_row, desc, attno, &new_null);

	if (old_null || new_null)
		return old_null != new_null;
	return !datum_image_eq(old_value, new_value, att->attbyval, att->attlen);
}

/* Does an UPDATE give a column another value? */
bool
guard_attribute_changed(TriggerData *trigdata, int attno)
{
	return value_changed(trigdata->tg_relation->rd_att, attno,
						 trigdata->tg_trigtuple, trigdata->tg_newtuple);
}

/* Set updated_at where a table has it, if the UPDATE changes anything. */
static HeapTuple
set_updated_at(TriggerData *trigdata, HeapTuple tuple)
{
	TupleDesc	desc = trigdata->tg_relation->rd_att;
	int			attno = SPI_fnumber(desc, "updated_at");
	Datum		now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	bool		isnull = false;
	bool		changed = false;

	for (int i = 1; i <= desc->natts && !changed; i++)
		changed = value_changed(desc, i, trigdata->tg_trigtuple, tuple);
	if (attno <= 0 || !changed)
		return tuple;
	return heap_modify_tuple_by_cols(tuple, desc, 1, &attno, &now, &isnull);
}

/* A value that was there before, or that comes from a dump, is not the user's choice. */
static bool
is_new_value(TriggerData *trigdata, int attno)
{
	if (devapp_restoring)
		return false;
	return TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ||
		guard_attribute_changed(trigdata, attno);
}

/*
 * Put a column into its canonical form and check it; returns the tuple, a new one if the
 * form is another.
 */
static HeapTuple
apply_rule(TriggerData *trigdata, HeapTuple tuple, const char *column, const char *rule)
{
	TupleDesc	desc = trigdata->tg_relation->rd_att;
	int			attno = require_column(desc, column);
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, attno, &isnull);
	Datum		kept = isnull ? value : validate_canonical(rule, value);

	validate_column(RelationGetRelationName(trigdata->tg_relation), column, rule, kept, isnull);
	if (!isnull && validate_refuses_formula(rule) && is_new_value(trigdata, attno))
		validate_no_formula(RelationGetRelationName(trigdata->tg_relation), column, kept);
	return kept == value ? tuple :
		heap_modify_tuple_by_cols(tuple, desc, 1, &attno, &kept, &isnull);
}

Datum
devapp_guard_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = require_trigger(fcinfo, true);
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	HeapTuple	tuple = update ? trigdata->tg_newtuple : trigdata->tg_trigtuple;

	for (int i = 0; i < trigdata->tg_trigger->tgnargs; i++)
	{
		char	   *column = pstrdup(trigdata->tg_trigger->tgargs[i]);
		char	   *rule = strchr(column, ':');

		if (rule == NULL)
			elog(ERROR, "guard_row: argument \"%s\" has no rule", column);
		*rule++ = '\0';
		tuple = apply_rule(trigdata, tuple, column, rule);
	}
	return PointerGetDatum(update ? set_updated_at(trigdata, tuple) : tuple);
}

bool
guard_column_changed(TriggerData *trigdata, const char *column)
{
	return guard_attribute_changed(trigdata,
								   require_column(trigdata->tg_relation->rd_att,
												  column));
}

Datum
devapp_guard_immutable(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = require_trigger(fcinfo, true);

	for (int i = 0; i < trigdata->tg_trigger->tgnargs; i++)
	{
		const char *column = trigdata->tg_trigger->tgargs[i];

		if (guard_column_changed(trigdata, column))
			ereport(ERROR,
					(errcode(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION),
					 errmsg("column \"%s\" of table \"devapp.%s\" cannot be changed", column,
							RelationGetRelationName(trigdata->tg_relation)),
					 errhint("It is set when the row is inserted.")));
	}
	return PointerGetDatum(trigdata->tg_newtuple);
}

/* A column's time, or the end of time where there is none. */
static TimestampTz
time_or_end(HeapTuple tuple, TupleDesc desc, const char *column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, require_column(desc, column), &isnull);

	return isnull ? DT_NOEND : DatumGetTimestampTz(value);
}

/*
 * The end of a superseded secret may only come sooner.  While the secret still works, it
 * may also be the current one again, which is how a rotation is cancelled.
 */
Datum
devapp_guard_secret(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = require_trigger(fcinfo, true);
	TupleDesc	desc = trigdata->tg_relation->rd_att;
	HeapTuple	old_row = trigdata->tg_trigtuple;
	HeapTuple	new_row = trigdata->tg_newtuple;
	TimestampTz old_end = time_or_end(old_row, desc, "valid_until");
	TimestampTz new_end = time_or_end(new_row, desc, "valid_until");
	TimestampTz old_superseded = time_or_end(old_row, desc, "superseded_at");
	TimestampTz new_superseded = time_or_end(new_row, desc, "superseded_at");
	TimestampTz old_ended = time_or_end(old_row, desc, "ended_at");
	bool		ended = old_ended != DT_NOEND;
	bool		over = ended || old_end <= GetCurrentTimestamp();
	bool		superseded = old_superseded != DT_NOEND;
	bool		cancelled = new_superseded == DT_NOEND && new_end == DT_NOEND;

	if ((ended && time_or_end(new_row, desc, "ended_at") != old_ended) ||
		(superseded && (over || !cancelled) &&
		 (new_end > old_end || new_superseded != old_superseded)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the validity of a superseded secret cannot be extended"),
				 errhint("Issue a new secret with devapp.rotate_credential, or restore the old one during the overlap with devapp.cancel_rotation.")));
	return PointerGetDatum(new_row);
}

Datum
devapp_guard_delete(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = require_trigger(fcinfo, false);

	ereport(ERROR,
			(errcode(ERRCODE_RESTRICT_VIOLATION),
			 errmsg("rows of table \"devapp.%s\" cannot be deleted",
					RelationGetRelationName(trigdata->tg_relation)),
			 errdetail("Their history would be lost."),
			 trigdata->tg_trigger->tgnargs > 0 ?
			 errhint("%s", trigdata->tg_trigger->tgargs[0]) : 0));
	return PointerGetDatum(NULL);
}
