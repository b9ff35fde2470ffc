/*
 * trigger.c
 *		What the trigger functions of devapp ask first.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/schema.h"
#include "base/trigger.h"

PG_FUNCTION_INFO_V1(devapp_require_own_table);

/*
 * The trigger functions trust the arguments and column types that they are given,
 * so nobody may put them on a table of his own.
 */
static void
require_own_schema(Oid schema)
{
	if (schema != schema_of_devapp())
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this trigger function can be used only on tables of devapp")));
}

void
trigger_require_own_table(TriggerData *trigdata)
{
	require_own_schema(RelationGetNamespace(trigdata->tg_relation));
}

/* SQL: the same, for trigger functions in PL/pgSQL */
Datum
devapp_require_own_table(PG_FUNCTION_ARGS)
{
	require_own_schema(get_rel_namespace(PG_GETARG_OID(0)));
	PG_RETURN_VOID();
}

/* ---------- conditions ---------- */

/* A condition of a trigger: the column is not null, or it is an integer above the bound. */
typedef struct Condition
{
	int			attno;
	bool		bounded;
	int32		bound;
} Condition;

static Condition
read_condition(TupleDesc desc, const char *text)
{
	size_t		len = strcspn(text, ">");
	Condition	condition = {.bounded = text[len] == '>'};

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strncmp(NameStr(att->attname), text, len) == 0 &&
			NameStr(att->attname)[len] == '\0')
			condition.attno = att->attnum;
	}
	if (condition.attno == 0)
		elog(ERROR, "there is no column for the condition \"%s\"", text);
	if (condition.bounded)
	{
		if (TupleDescAttr(desc, condition.attno - 1)->atttypid != INT4OID)
			elog(ERROR, "the column of the condition \"%s\" is no integer", text);
		condition.bound = pg_strtoint32(text + len + 1);
	}
	return condition;
}

static bool
condition_holds(const Condition *condition, TupleTableSlot *slot)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, condition->attno, &isnull);

	return !isnull && (!condition->bounded || DatumGetInt32(value) > condition->bound);
}

/* Does it hold for one of the rows of a statement? */
static bool
holds_for_any(const Condition *condition, TupleDesc desc, Tuplestorestate *rows)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	bool		holds = false;

	tuplestore_select_read_pointer(rows, 0);
	tuplestore_rescan(rows);
	while (!holds && tuplestore_gettupleslot(rows, true, false, slot))
		holds = condition_holds(condition, slot);
	ExecDropSingleTupleTableSlot(slot);
	return holds;
}

/*
 * Does a condition hold for the new row of a row trigger, or for one of the new rows of a
 * statement trigger that has a table of them?
 *
 * PostgreSQL reads and compiles a WHEN condition anew for each statement, which takes longer than
 * most statements here have to do with their row.
 */
bool
trigger_concerns(TriggerData *trigdata, const char *text)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	Condition	condition = read_condition(desc, text);

	if (!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) && trigdata->tg_newtable == NULL)
		elog(ERROR, "trigger %s has no table of new rows", trigdata->tg_trigger->tgname);
	if (!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		return holds_for_any(&condition, desc, trigdata->tg_newtable);
	return condition_holds(&condition, TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
						   trigdata->tg_newslot : trigdata->tg_trigslot);
}
