/*
 * trigger.c
 *		What every trigger function of devapp asks first.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/trigger.h"

/*
 * The trigger functions trust the arguments and column types that they are given,
 * so nobody may put them on a table of his own.
 */
void
trigger_require_own_table(TriggerData *trigdata)
{
	if (RelationGetNamespace(trigdata->tg_relation) !=
		get_namespace_oid("devapp", true))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this trigger is for the tables of devapp only")));
}
