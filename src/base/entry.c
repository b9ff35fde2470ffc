/*
 * entry.c
 *		The one entry to functions that run with their owner's rights.
 *
 * A public function that needs its owner's rights is declared in the schema devapp
 * with LANGUAGE c and devapp_enter() as its body; what it does is the function of
 * the same name and argument types in the schema devapp_internal.  devapp_enter()
 * finds that namesake, remembers who called, takes on the owner's rights, and calls
 * it with the same arguments.  SECURITY DEFINER would do the last two, but a function
 * that has it cannot learn who called it, and deciding by the session's role instead
 * lends an administrator's rights to whatever runs in his session: an index
 * expression under autovacuum, a cascade into another table, a definer's function.
 *
 * Whoever may execute the public function may call it; nobody needs a right on the
 * namesake or on its schema.  Texts are compared there by the database's collation: one
 * that the caller gives an argument could make two persons' names the same.
 *
 * In a security-restricted operation (autovacuum, ANALYZE, REINDEX, REFRESH
 * MATERIALIZED VIEW) code runs that the person at the keyboard did not choose to
 * call.  Nobody acts there: a function that changes something (VOLATILE) fails, one
 * that reads finds that it is called by nobody (identity.c).
 *
 * The calls in progress are a list on the C stack.  PG_FINALLY takes a call off it,
 * also when an error ends the call; the user's id is put back by the end of the
 * (sub)transaction then.  No locks, no memory but one struct for each FmgrInfo.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/entry.h"

PG_FUNCTION_INFO_V1(devapp_enter);

#define INTERNAL_SCHEMA	"devapp_internal"

/* The function that does the work; fn_extra of the FmgrInfo of the public one. */
typedef struct EntryTarget
{
	FmgrInfo	function;
	Oid			owner;
	bool		changes;		/* VOLATILE */
	NameData	name;
} EntryTarget;

/* A call in progress. */
typedef struct EntryCall
{
	Oid			caller;
	Oid			owner;			/* whose rights the call runs with */
	struct EntryCall *outer;
} EntryCall;

static EntryCall *innermost = NULL;

/*
 * The role that called into devapp: the current user, or inside of a call its
 * caller.  Code that another function runs with yet other rights inside of a call
 * is not the call's, so its own user counts.
 */
Oid
entry_role(void)
{
	Oid			user = GetUserId();

	return innermost != NULL && innermost->owner == user ? innermost->caller : user;
}

static EntryTarget *
find_target(FmgrInfo *self)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(self->fn_oid));
	EntryTarget *target;
	Form_pg_proc proc;
	HeapTuple	inner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", self->fn_oid);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	inner = SearchSysCache3(PROCNAMEARGSNSP, NameGetDatum(&proc->proname),
							PointerGetDatum(&proc->proargtypes),
							ObjectIdGetDatum(get_namespace_oid(INTERNAL_SCHEMA, false)));
	if (!HeapTupleIsValid(inner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function \"%s\" does not exist in schema \"%s\"",
						NameStr(proc->proname), INTERNAL_SCHEMA),
				 errhint("Run ALTER EXTENSION devapp UPDATE.")));
	target = MemoryContextAllocZero(self->fn_mcxt, sizeof(EntryTarget));
	target->name = proc->proname;
	proc = (Form_pg_proc) GETSTRUCT(inner);
	target->owner = proc->proowner;
	target->changes = proc->provolatile == PROVOLATILE_VOLATILE;
	fmgr_info_cxt(proc->oid, &target->function, self->fn_mcxt);
	target->function.fn_expr = self->fn_expr;
	ReleaseSysCache(inner);
	ReleaseSysCache(tuple);
	return target;
}

static bool
has_null_argument(FunctionCallInfo fcinfo)
{
	for (int i = 0; i < PG_NARGS(); i++)
	{
		if (PG_ARGISNULL(i))
			return true;
	}
	return false;
}

/* PG_TRY() and variables that change before it do not go together. */
static Datum
call_with_rights(FunctionCallInfo fcinfo, EntryTarget *target, EntryCall *call)
{
	FmgrInfo   *self = fcinfo->flinfo;
	Oid			collation = fcinfo->fncollation;
	Oid			user;
	int			context;
	Datum		result = (Datum) 0;

	GetUserIdAndSecContext(&user, &context);
	PG_TRY();
	{
		innermost = call;
		fcinfo->flinfo = &target->function;
		if (OidIsValid(collation))
			fcinfo->fncollation = DEFAULT_COLLATION_OID;
		SetUserIdAndSecContext(target->owner, context | SECURITY_LOCAL_USERID_CHANGE);
		result = FunctionCallInvoke(fcinfo);
		SetUserIdAndSecContext(user, context);
	}
	PG_FINALLY();
	{
		fcinfo->flinfo = self;
		fcinfo->fncollation = collation;
		innermost = call->outer;
	}
	PG_END_TRY();
	return result;
}

/* SQL: the body of every public function that runs with its owner's rights */
Datum
devapp_enter(PG_FUNCTION_ARGS)
{
	EntryTarget *target = fcinfo->flinfo->fn_extra;
	EntryCall	call;

	if (target == NULL)
		fcinfo->flinfo->fn_extra = target = find_target(fcinfo->flinfo);
	if (target->changes && InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function \"%s\" cannot be called in a security-restricted operation",
						NameStr(target->name)),
				 errdetail("Nobody acts in an index expression, a materialized view's query or whatever else maintenance runs.")));
	if (target->function.fn_strict && has_null_argument(fcinfo))
		PG_RETURN_NULL();
	check_stack_depth();
	call.caller = entry_role();
	call.owner = target->owner;
	call.outer = innermost;
	return call_with_rights(fcinfo, target, &call);
}
