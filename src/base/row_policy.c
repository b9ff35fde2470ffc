/*
 * row_policy.c
 *		Refuses whoever may read a table but has no policy for its rows.
 *
 *	rows_need_a_policy(table)	false, or an error
 *	rows_need_a_policy_support	what the planner asks about it
 *
 * PostgreSQL shows nothing to a role for which a table has no policy, and an auditor
 * who sees nothing believes that nothing happened.  So each table has a policy for
 * PUBLIC whose condition is this function.
 *
 * The planner's support function puts false in the place of the call, or fails.  So for a
 * role that has a policy nothing is left of it in the plan, and no index is lost by it; and
 * nobody needs the right to execute the function.  PostgreSQL makes a plan with row-level
 * security again when the role or the table's policies change.
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/supportnodes.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/rel.h"

#include "base/compat.h"

PG_FUNCTION_INFO_V1(devapp_rows_need_a_policy);
PG_FUNCTION_INFO_V1(devapp_rows_need_a_policy_support);

/* A policy for PUBLIC counts for nobody: it is the one that asks. */
static bool
policy_names_role(const RowSecurityPolicy *policy, Oid role)
{
	Oid		   *roles = (Oid *) ARR_DATA_PTR(policy->roles);

	for (int i = 0; i < ARR_DIMS(policy->roles)[0]; i++)
	{
		if (OidIsValid(roles[i]) && has_privs_of_role(role, roles[i]))
			return true;
	}
	return false;
}

static bool
has_row_policy(Relation rel, Oid role)
{
	ListCell   *cell;

	if (rel->rd_rsdesc == NULL)
		return false;
	foreach(cell, rel->rd_rsdesc->policies)
	{
		if (policy_names_role(lfirst(cell), role))
			return true;
	}
	return false;
}

/* Whoever has no privilege on the table is refused by PostgreSQL, in its own words. */
static bool
may_select(Oid relid, Oid role)
{
	return pg_class_aclcheck(relid, role, ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relid, role, ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

static void
require_row_policy(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Oid			role = GetUserId();

	if (may_select(relid, role) && !has_row_policy(rel, role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" may see no row of table \"%s\"",
						GetUserNameFromId(role, false), RelationGetRelationName(rel)),
				 errdetail("Row-level security has no policy for this role."),
				 errhint("Grant it one of the roles of devapp.setup_roles(): devapp_auditor for the audit trail.")));
	table_close(rel, AccessShareLock);
}

Datum
devapp_rows_need_a_policy(PG_FUNCTION_ARGS)
{
	require_row_policy(PG_GETARG_OID(0));
	PG_RETURN_BOOL(false);
}

Datum
devapp_rows_need_a_policy_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *argument;

	if (!IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(NULL);
	argument = linitial(((SupportRequestSimplify *) request)->fcall->args);
	if (!IsA(argument, Const) || ((Const *) argument)->constisnull)
		PG_RETURN_POINTER(NULL);
	require_row_policy(DatumGetObjectId(((Const *) argument)->constvalue));
	PG_RETURN_POINTER(makeBoolConst(false, false));
}
