/*
 * trigger.c
 *		What every trigger function of devapp asks first.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/trigger.h"

PG_FUNCTION_INFO_V1(devapp_require_own_table);

/*
 * The trigger functions trust the arguments and column types that they are given,
 * so nobody may put them on a table of his own.
 */
static void
require_own_schema(Oid schema)
{
	if (schema != get_namespace_oid("devapp", true))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this trigger is for the tables of devapp only")));
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
