/*
 * lifecycle.c
 *		The lifecycles in SQL: next_status(), and the trigger that holds every
 *		UPDATE to them.
 *
 * A table with a lifecycle has the columns status, decided_by, decided_at and
 * decision_note.  guard_status() lets a status change only by a step that some
 * action could take, and writes down who took it and when.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/trigger.h"
#include "key/mask.h"
#include "model/guard.h"
#include "model/identity.h"
#include "model/lifecycle_core.h"

PG_FUNCTION_INFO_V1(devapp_next_status);
PG_FUNCTION_INFO_V1(devapp_possible_status);
PG_FUNCTION_INFO_V1(devapp_status_exists);
PG_FUNCTION_INFO_V1(devapp_guard_status);

/* "approve, reject" for a hint */
static char *
legal_actions(const char *entity, const char *status)
{
	StringInfoData buf;
	const char *action;

	initStringInfo(&buf);
	for (int i = 0; (action = lifecycle_nth_action(entity, status, i)) != NULL; i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? ", " : "", action);
	return buf.data;
}

static int
hint_actions(const char *entity, const char *status)
{
	char	   *actions = legal_actions(entity, status);

	if (actions[0] == '\0')
		return errhint("\"%s\" is final.", status);
	return errhint("Possible actions in status \"%s\": %s.", status, actions);
}

static void
require_status(const char *entity, const char *status)
{
	if (!lifecycle_has_status(entity, status))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s has no status \"%s\"", entity, mask_string(status))));
}

/* next_status(entity, status, action) */
Datum
devapp_next_status(PG_FUNCTION_ARGS)
{
	char	   *entity = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *status = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *action = text_to_cstring(PG_GETARG_TEXT_PP(2));
	const char *next;

	if (!lifecycle_exists(entity))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lifecycle \"%s\" does not exist", mask_string(entity)),
				 errhint("Possible lifecycles: app, credential, credential_product, developer, signing_key, team.")));
	require_status(entity, status);
	if (!lifecycle_has_action(entity, action))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s has no action \"%s\"", entity, mask_string(action)),
				 hint_actions(entity, status)));
	next = lifecycle_next(entity, status, action);
	if (next == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot %s %s in status \"%s\"", lifecycle_action_name(action), entity, status),
				 hint_actions(entity, status)));
	PG_RETURN_TEXT_P(cstring_to_text(next));
}

/* possible_status(entity, status, action): the same, NULL where it is an error */
Datum
devapp_possible_status(PG_FUNCTION_ARGS)
{
	const char *next = lifecycle_next(text_to_cstring(PG_GETARG_TEXT_PP(0)),
									  text_to_cstring(PG_GETARG_TEXT_PP(1)),
									  text_to_cstring(PG_GETARG_TEXT_PP(2)));

	if (next == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(next));
}

/* status_exists(entity, status) */
Datum
devapp_status_exists(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lifecycle_has_status(text_to_cstring(PG_GETARG_TEXT_PP(0)),
										text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/* ---------- the trigger ---------- */

/* A new version of a row that is being made up column by column. */
typedef struct RowEdit
{
	TupleDesc	desc;
	HeapTuple	tuple;
	int			n;
	int			columns[8];
	Datum		values[8];
	bool		nulls[8];
} RowEdit;

static void
edit_column(RowEdit *e, const char *column, Datum value, bool isnull)
{
	int			attno = SPI_fnumber(e->desc, column);

	if (attno <= 0 || e->n == (int) lengthof(e->columns))
		elog(ERROR, "guard_status: cannot set column %s", column);
	e->columns[e->n] = attno;
	e->values[e->n] = value;
	e->nulls[e->n] = isnull;
	e->n++;
}

static const char *
status_of(HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, SPI_fnumber(desc, "status"), &isnull);

	return isnull ? "" : TextDatumGetCString(value);
}

static bool
column_is_set(TriggerData *trigdata, const char *column)
{
	int			attno = SPI_fnumber(trigdata->tg_relation->rd_att, column);

	return bms_is_member(attno - FirstLowInvalidHeapAttributeNumber,
						 trigdata->tg_updatedcols);
}

/*
 * The remaining arguments are "state,state=column": the column holds when one of
 * those states was entered, and is empty in all others.
 */
static void
stamp_columns(RowEdit *e, TriggerData *trigdata, const char *from,
			  const char *to)
{
	Trigger    *trigger = trigdata->tg_trigger;

	for (int i = 1; i < trigger->tgnargs; i++)
	{
		const char *states = trigger->tgargs[i];
		const char *column = strchr(states, '=') + 1;

		if (!guard_list_has_word(states, to))
			edit_column(e, column, (Datum) 0, true);
		else if (!guard_list_has_word(states, from))
			edit_column(e, column,
						TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
		else
		{
			/* it holds when the first of them was entered */
			bool		isnull;
			Datum		kept = SPI_getbinval(trigdata->tg_trigtuple, e->desc,
											 SPI_fnumber(e->desc, column), &isnull);

			edit_column(e, column, kept, isnull);
		}
	}
}

/*
 * The function that carries out what rules decided (sql/app/resubmit.sql)
 * says so in its UPDATE: rule:NAME, or auto if no rule did.  Only what runs as the
 * owner of the table is believed, so nobody can put a rule's name to his own
 * decision.
 */
static bool
decided_by_rules(RowEdit *e, TriggerData *trigdata)
{
	bool		isnull;
	Datum		value;
	const char *decider;

	if (GetUserId() != trigdata->tg_relation->rd_rel->relowner ||
		!column_is_set(trigdata, "decided_by"))
		return false;
	value = SPI_getbinval(e->tuple, e->desc, SPI_fnumber(e->desc, "decided_by"),
						  &isnull);
	if (isnull)
		return false;
	decider = TextDatumGetCString(value);
	return strcmp(decider, "auto") == 0 || strncmp(decider, "rule:", 5) == 0;
}

static void
stamp_decision(RowEdit *e, TriggerData *trigdata)
{
	if (!decided_by_rules(e, trigdata))
		edit_column(e, "decided_by", CStringGetTextDatum(identity_name()), false);
	edit_column(e, "decided_at",
				TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
	/* a note that was not given is not the note of the last decision */
	if (!column_is_set(trigdata, "decision_note"))
		edit_column(e, "decision_note", (Datum) 0, true);
}

static void
require_unchanged(TriggerData *trigdata, const char *column)
{
	if (guard_column_changed(trigdata, column))
		ereport(ERROR,
				(errcode(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION),
				 errmsg("column \"%s\" of table \"devapp.%s\" can change only with the status",
						column, RelationGetRelationName(trigdata->tg_relation)),
				 errhint("It is set when the status changes.")));
}

/*
 * Does the function that hands an app in again say that nobody has decided on it yet
 * (sql/app/resubmit.sql)?  It runs as the owner of the table.
 */
static bool
left_undecided(TriggerData *trigdata)
{
	TupleDesc	desc = trigdata->tg_relation->rd_att;
	bool		isnull;

	(void) SPI_getbinval(trigdata->tg_newtuple, desc, SPI_fnumber(desc, "decided_by"),
						 &isnull);
	return isnull && column_is_set(trigdata, "decided_by") &&
		GetUserId() == trigdata->tg_relation->rd_rel->relowner;
}

/* What the trigger writes down is not for others to write. */
static void
require_unforged(TriggerData *trigdata)
{
	Trigger    *trigger = trigdata->tg_trigger;

	if (!left_undecided(trigdata))
		require_unchanged(trigdata, "decided_by");
	require_unchanged(trigdata, "decided_at");
	for (int i = 1; i < trigger->tgnargs; i++)
		require_unchanged(trigdata, strchr(trigger->tgargs[i], '=') + 1);
}

static HeapTuple
finish_edit(RowEdit *e)
{
	return heap_modify_tuple_by_cols(e->tuple, e->desc, e->n, e->columns,
									 e->values, e->nulls);
}

static HeapTuple
guard_update(TriggerData *trigdata, const char *entity)
{
	RowEdit		e = {0};
	const char *from;
	const char *to;

	e.desc = trigdata->tg_relation->rd_att;
	e.tuple = trigdata->tg_newtuple;
	from = status_of(trigdata->tg_trigtuple, e.desc);
	to = status_of(e.tuple, e.desc);
	if (strcmp(from, to) == 0)
	{
		require_unforged(trigdata);
		return e.tuple;
	}
	require_status(entity, to);
	if (lifecycle_action_between(entity, from, to) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot change status of %s from \"%s\" to \"%s\"", entity, from, to),
				 hint_actions(entity, from)));
	stamp_decision(&e, trigdata);
	stamp_columns(&e, trigdata, from, to);
	return finish_edit(&e);
}

/*
 * Of a row that is new, functions of devapp say who decided (they run as the owner of
 * the table), and so does a dump.  Of anybody else's it is who inserts it.
 */
static HeapTuple
guard_insert(TriggerData *trigdata)
{
	RowEdit		e = {0};
	bool		isnull;

	e.desc = trigdata->tg_relation->rd_att;
	e.tuple = trigdata->tg_trigtuple;
	(void) SPI_getbinval(e.tuple, e.desc, SPI_fnumber(e.desc, "decided_by"), &isnull);
	if (isnull || devapp_restoring ||
		GetUserId() == trigdata->tg_relation->rd_rel->relowner)
		return e.tuple;
	edit_column(&e, "decided_by", CStringGetTextDatum(identity_name()), false);
	return finish_edit(&e);
}

/*
 * guard_status(entity, states=column ...), BEFORE INSERT OR UPDATE: a column is when
 * the row came to one of the states.  A row may come in with any status, or no dump
 * could be restored.
 */
Datum
devapp_guard_status(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const char *entity;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		trigdata->tg_trigger->tgnargs < 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("guard_status must be a BEFORE ROW trigger with an entity")));
	trigger_require_own_table(trigdata);
	entity = trigdata->tg_trigger->tgargs[0];
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		return PointerGetDatum(guard_update(trigdata, entity));

	require_status(entity, status_of(trigdata->tg_trigtuple, trigdata->tg_relation->rd_att));
	return PointerGetDatum(guard_insert(trigdata));
}
