/*
 * entry.c
 *		The one entry to functions that run with their owner's rights.
 *
 * A public function that needs its owner's rights is declared in the schema devapp
 * with LANGUAGE c and devapp_enter() (or one of its kind) as its body; what it does is the function of
 * the same name and argument types in the schema devapp_internal.  devapp_enter()
 * finds that namesake, remembers who called, takes on the owner's rights, and calls
 * it with the same arguments.  SECURITY DEFINER would do the last two, but a function
 * that has it cannot learn who called it, and deciding by the session's role instead
 * lends an administrator's rights to whatever runs in his session: an index
 * expression under autovacuum, a cascade into another table, a definer's function.
 *
 * Whoever may execute the public function may call it, and a function that lets its
 * caller do more than a developer may decides by itself who that is (authority.sql).
 * Three kinds decide here, because nothing else guards them, whoever was granted
 * EXECUTE: devapp_enter_admin() is for administrators, devapp_enter_auditor() for
 * those who read the audit trail, devapp_enter_analyst() for those who read the
 * reports.  Nobody needs a right on the namesake or on its schema.
 *
 * Texts are compared there by the database's collation: one that the caller gives an
 * argument could make two persons' names the same.
 *
 * Arrays are lists: none with a null or of more than one dimension comes in.
 *
 * Trigger functions that need their owner's rights are called by as_owner(), which
 * names them in its first argument.  Those that are not for the rows of a dump say so in
 * its second, and those that are for few rows say for which in its third.
 *
 * In a security-restricted operation (autovacuum, ANALYZE, REINDEX, REFRESH
 * MATERIALIZED VIEW) code runs that the person at the keyboard did not choose to
 * call.  Nobody acts there: a function that changes something (VOLATILE) fails, one
 * that reads finds that it is called by nobody (identity.c).
 *
 * A request over HTTP (src/api) has a caller of its own, whom its key or token names.
 * While it is served, no role gives a right: neither that of the connection, which
 * serves everybody, nor one that a function in between takes on.
 *
 * The calls in progress are a list on the C stack.  A call is taken off it also when
 * an error ends the call; the user's id is put back by the end of the
 * (sub)transaction then.  No locks, no memory but one struct for each FmgrInfo.
 *
 * An error by which devapp refuses what the caller wants says so in its message and
 * hint; which of our functions called which says nothing to him.  The outermost call
 * raises such an error once more, without the context that it has gathered so far.
 * That is done where the error passes, so it costs nothing while there is none.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/elog.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/entry.h"
#include "base/guc.h"
#include "base/list.h"
#include "base/schema.h"
#include "base/trigger.h"
#include "base/version.h"

PG_FUNCTION_INFO_V1(devapp_enter);
PG_FUNCTION_INFO_V1(devapp_enter_admin);
PG_FUNCTION_INFO_V1(devapp_enter_auditor);
PG_FUNCTION_INFO_V1(devapp_enter_analyst);
PG_FUNCTION_INFO_V1(devapp_as_owner);

#define INTERNAL_SCHEMA	"devapp_internal"

/* The function that does the work; kept in fn_extra of the one that was called. */
typedef struct EntryTarget
{
	FmgrInfo	function;
	Oid			owner;
	bool		changes;		/* VOLATILE */
	Bitmapset  *lists;			/* arguments that are arrays, from 0 */
	NameData	name;
} EntryTarget;

/* A call in progress. */
typedef struct EntryCall
{
	Oid			caller;
	Oid			owner;			/* whose rights the call runs with */
	const EntryCaller *request;	/* whom it is served for, or a call around it; NULL: roles count */
	struct EntryCall *outer;
} EntryCall;

static EntryCall *innermost = NULL;

/* What is done at the end of the outermost call, unless it fails; NULL: nothing. */
static void (*work_at_end) (void) = NULL;

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

bool
entry_in_call(void)
{
	return innermost != NULL;
}

/*
 * From now on the innermost call, and what it calls, is for this caller, who must stay until it
 * ends.  A caller that a call around it has cannot be replaced.
 */
void
entry_call_for(const EntryCaller *caller)
{
	if (innermost == NULL || (innermost->outer != NULL && innermost->outer->request != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot serve a request within another request")));
	innermost->request = caller;
}

/*
 * The caller of the request that is served; NULL where none is.  Code that runs with yet
 * other rights is not the request's, and nobody calls there.
 */
const EntryCaller *
entry_caller(void)
{
	static const EntryCaller nobody = {0};

	if (innermost == NULL || innermost->request == NULL)
		return NULL;
	return innermost->owner == GetUserId() ? innermost->request : &nobody;
}

/* There is one user of this (audit_write.c). */
void
entry_at_end(void (*work) (void))
{
	work_at_end = work;
}

/* ---------- who may ---------- */

/* An administrator is a role that may write to the tables. */
static bool
role_administers(Oid role)
{
	Oid			app = get_relname_relid("app", schema_of_devapp());

	return OidIsValid(app) &&
		pg_class_aclcheck(app, role, ACL_UPDATE) == ACLCHECK_OK;
}

/* An auditor is a member of devapp_auditor; administrators read the trail as well. */
static bool
role_audits(Oid role)
{
	Oid			auditor = get_role_oid("devapp_auditor", true);

	return role_administers(role) ||
		(OidIsValid(auditor) && has_privs_of_role(role, auditor));
}

static bool
role_reads_reports(Oid role)
{
	Oid			reports = get_namespace_oid("devapp_report", true);

	return OidIsValid(reports) && compat_schema_usage(reports, role);
}

/*
 * Is the session's role an administrator, and the one that called as well?  Or is the caller of
 * the request?
 */
bool
entry_by_admin(void)
{
	const EntryCaller *caller = entry_caller();

	if (InSecurityRestrictedOperation())
		return false;
	if (caller != NULL)
		return caller->administers;
	return role_administers(GetOuterUserId()) && role_administers(entry_role());
}

/* The same for the right to read the whole audit trail. */
bool
entry_by_auditor(void)
{
	const EntryCaller *caller = entry_caller();

	if (InSecurityRestrictedOperation())
		return false;
	if (caller != NULL)
		return caller->administers || caller->reads;
	return role_audits(GetOuterUserId()) && role_audits(entry_role());
}

/* The same for the right to read the reports, which may be read in any operation. */
static bool
entry_by_analyst(void)
{
	const EntryCaller *caller = entry_caller();

	if (caller != NULL)
		return caller->administers || caller->reads;
	return role_reads_reports(GetOuterUserId()) && role_reads_reports(entry_role());
}

/* The same for what even administrators may not do. */
bool
entry_by_superuser(void)
{
	return !InSecurityRestrictedOperation() && entry_caller() == NULL &&
		superuser_arg(GetOuterUserId()) && superuser_arg(entry_role());
}

static compat_noreturn void
refuse_caller(FunctionCallInfo fcinfo, const char *who)
{
	if (entry_caller() != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied"),
				 errdetail("This is reserved for %s.", who)));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for function %s",
					get_func_name(fcinfo->flinfo->fn_oid)),
			 errdetail("It is reserved for %s: both the session's role and the calling role must be among them.", who),
			 errhint("SELECT * FROM devapp.whoami() shows them as \"role\" and \"entry_role\".")));
}

/* ---------- the namesake ---------- */

/* Which of the arguments are arrays? */
static Bitmapset *
list_arguments(FmgrInfo *self, oidvector *types)
{
	MemoryContext old = MemoryContextSwitchTo(self->fn_mcxt);
	Bitmapset  *lists = NULL;

	for (int i = 0; i < types->dim1; i++)
	{
		if (OidIsValid(get_element_type(types->values[i])))
			lists = bms_add_member(lists, i);
	}
	MemoryContextSwitchTo(old);
	return lists;
}

static EntryTarget *
make_target(FmgrInfo *self, HeapTuple inner)
{
	EntryTarget *target = MemoryContextAllocZero(self->fn_mcxt, sizeof(EntryTarget));
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(inner);

	target->name = proc->proname;
	target->owner = proc->proowner;
	target->changes = proc->provolatile == PROVOLATILE_VOLATILE;
	target->lists = list_arguments(self, &proc->proargtypes);
	fmgr_info_cxt(proc->oid, &target->function, self->fn_mcxt);
	target->function.fn_expr = self->fn_expr;
	return target;
}

/* Also where the library does not serve the catalog, somebody has to tell. */
#define ALWAYS_SERVED	"doctor"

static EntryTarget *
find_target(FmgrInfo *self, Name name, oidvector *types)
{
	HeapTuple	inner = SearchSysCache3(PROCNAMEARGSNSP, NameGetDatum(name),
										PointerGetDatum(types),
										ObjectIdGetDatum(get_namespace_oid(INTERNAL_SCHEMA, false)));
	EntryTarget *target;

	if (strcmp(NameStr(*name), ALWAYS_SERVED) != 0)
		version_require();
	if (!HeapTupleIsValid(inner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function \"%s\" does not exist in schema \"%s\"",
						NameStr(*name), INTERNAL_SCHEMA),
				 errhint("Run ALTER EXTENSION devapp UPDATE.")));
	target = make_target(self, inner);
	ReleaseSysCache(inner);
	return target;
}

/* The function of the same name and argument types. */
static EntryTarget *
find_namesake(FmgrInfo *self)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(self->fn_oid));
	EntryTarget *target;
	Form_pg_proc proc;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", self->fn_oid);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	target = find_target(self, &proc->proname, &proc->proargtypes);
	ReleaseSysCache(tuple);
	return target;
}

/* ---------- the call ---------- */

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

/*
 * Do these lines begin with one of a function of devapp_internal?
 *
 * The words are in the language of the messages, but not the function's name, which
 * has its schema because search_path is pinned.
 */
static bool
context_is_ours(const char *context)
{
	const char *name = context != NULL ? strstr(context, INTERNAL_SCHEMA ".") : NULL;

	return name != NULL && memchr(context, '\n', name - context) == NULL;
}

/*
 * Was this error raised by devapp to refuse something?  Our library's errors have its
 * domain, those of our PL/pgSQL come from a RAISE.  An error that PostgreSQL raises in one of our
 * functions, or a trigger that somebody else put on a table, is none; nor is one that tells of a
 * mistake in devapp itself.
 */
bool
entry_is_refusal(const ErrorData *error)
{
	if (error->elevel != ERROR || error->sqlerrcode == ERRCODE_INTERNAL_ERROR)
		return false;
	if (error->domain != NULL && strcmp(error->domain, TEXTDOMAIN) == 0)
		return true;
	return error->funcname != NULL && strcmp(error->funcname, "exec_stmt_raise") == 0 &&
		context_is_ours(error->context);
}

/*
 * Raise a refusal once more, as if it had been raised by the public function: with
 * the context of what called that.  With log_error_verbosity = verbose the context
 * stays whole, for who looks for a fault.
 */
static void
shorten_context(MemoryContext mcxt)
{
	MemoryContext old = MemoryContextSwitchTo(mcxt);
	ErrorData  *error;

	if (Log_error_verbosity < PGERROR_VERBOSE)
	{
		error = CopyErrorData();
		if (entry_is_refusal(error))
		{
			FlushErrorState();
			error->context = NULL;
			ThrowErrorData(error);
		}
		FreeErrorData(error);
	}
	MemoryContextSwitchTo(old);
}

static void
leave_call(FunctionCallInfo fcinfo, FmgrInfo *self, Oid collation, EntryCall *call)
{
	fcinfo->flinfo = self;
	fcinfo->fncollation = collation;
	innermost = call->outer;
}

/* PG_TRY() and variables that change before it do not go together. */
static Datum
call_with_rights(FunctionCallInfo fcinfo, EntryTarget *target, EntryCall *call)
{
	FmgrInfo   *self = fcinfo->flinfo;
	Oid			collation = fcinfo->fncollation;
	MemoryContext mcxt = CurrentMemoryContext;
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
		leave_call(fcinfo, self, collation, call);
	}
	PG_CATCH();
	{
		leave_call(fcinfo, self, collation, call);
		if (innermost == NULL)
			shorten_context(mcxt);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return result;
}

/* In a security-restricted operation nobody changes anything. */
static void
refuse_maintenance(EntryTarget *target)
{
	if (target->changes && InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function \"%s\" cannot be called in a security-restricted operation",
						NameStr(target->name)),
				 errdetail("There is no acting user in an index expression, in the query of a materialized view, or in other code that maintenance commands run.")));
}

/* The name of an argument of the function that was called. */
static const char *
argument_name(FmgrInfo *self, int number)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(self->fn_oid));
	Oid		   *types;
	char	  **names;
	char	   *modes;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", self->fn_oid);
	(void) get_func_arg_info(tuple, &types, &names, &modes);
	ReleaseSysCache(tuple);
	return names != NULL ? names[number] : "an argument";
}

static void
require_lists(FunctionCallInfo fcinfo, EntryTarget *target)
{
	for (int i = bms_next_member(target->lists, -1); i >= 0;
		 i = bms_next_member(target->lists, i))
	{
		ArrayType  *array = PG_ARGISNULL(i) ? NULL : PG_GETARG_ARRAYTYPE_P(i);

		if (array != NULL && !list_is_plain(array))
			list_require(array, argument_name(fcinfo->flinfo, i));
	}
}

/* Our functions are written for plain strings in which a backslash is a letter. */
static int
begin_standard_strings(void)
{
	int			nest_level;

	if (!compat_backslash_escapes())
		return 0;
	nest_level = NewGUCNestLevel();
	(void) set_config_option("standard_conforming_strings", "on", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return nest_level;
}

/* After an error the end of the transaction, or of a part of it, sets it back. */
static void
end_standard_strings(int nest_level)
{
	if (nest_level != 0)
		AtEOXact_GUC(true, nest_level);
}

static Datum
enter_target(FunctionCallInfo fcinfo)
{
	EntryTarget *target = fcinfo->flinfo->fn_extra;
	EntryCall	call;
	int			nest_level;
	Datum		result;

	refuse_maintenance(target);
	if (target->function.fn_strict && has_null_argument(fcinfo))
		PG_RETURN_NULL();
	require_lists(fcinfo, target);
	check_stack_depth();
	call.caller = entry_role();
	call.owner = target->owner;
	call.request = innermost != NULL ? innermost->request : NULL;
	call.outer = innermost;
	nest_level = begin_standard_strings();
	result = call_with_rights(fcinfo, target, &call);
	end_standard_strings(nest_level);
	if (innermost == NULL && work_at_end != NULL)
		work_at_end();
	return result;
}

static EntryTarget *
namesake_of(FmgrInfo *self)
{
	if (self->fn_extra == NULL)
		self->fn_extra = find_namesake(self);
	return self->fn_extra;
}

/* SQL: the body of the public functions that ask by themselves who calls */
Datum
devapp_enter(PG_FUNCTION_ARGS)
{
	(void) namesake_of(fcinfo->flinfo);
	return enter_target(fcinfo);
}

/*
 * SQL: the body of the public functions that are for administrators.  Nobody is one in
 * a security-restricted operation; what changes something says so.
 */
Datum
devapp_enter_admin(PG_FUNCTION_ARGS)
{
	refuse_maintenance(namesake_of(fcinfo->flinfo));
	if (!entry_by_admin())
		refuse_caller(fcinfo, "administrators");
	return enter_target(fcinfo);
}

/* SQL: the body of the public functions that are for those who read the audit trail */
Datum
devapp_enter_auditor(PG_FUNCTION_ARGS)
{
	refuse_maintenance(namesake_of(fcinfo->flinfo));
	if (!entry_by_auditor())
		refuse_caller(fcinfo, "auditors and administrators");
	return enter_target(fcinfo);
}

/* SQL: the body of the public functions that are for those who read the reports */
Datum
devapp_enter_analyst(PG_FUNCTION_ARGS)
{
	if (!entry_by_analyst())
		refuse_caller(fcinfo, "roles that can use schema \"devapp_report\"");
	return devapp_enter(fcinfo);
}

/* What a trigger returns that does nothing: a BEFORE trigger, the row as it is. */
static Datum
leave_row(TriggerData *trigdata)
{
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ? trigdata->tg_newtuple :
						   trigdata->tg_trigtuple);
}

/*
 * SQL: as_owner('function', 'unless restoring', 'condition'): a trigger that calls a function of
 * devapp_internal; with the second argument not for the rows of a dump, with the third only
 * where that holds for a new row, see trigger_concerns()
 */
Datum
devapp_as_owner(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Trigger    *trigger;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("as_owner must be called as a trigger")));
	trigger = trigdata->tg_trigger;
	if (trigger->tgnargs > 1 && devapp_restoring)
		return leave_row(trigdata);
	if (trigger->tgnargs > 2)
	{
		trigger_require_own_table(trigdata);
		if (!trigger_concerns(trigdata, trigger->tgargs[2]))
			return leave_row(trigdata);
	}
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		NameData	name;

		if (trigger->tgnargs < 1)
			elog(ERROR, "as_owner: no function is named");
		namestrcpy(&name, trigger->tgargs[0]);
		fcinfo->flinfo->fn_extra = find_target(fcinfo->flinfo, &name,
											   buildoidvector(NULL, 0));
	}
	return enter_target(fcinfo);
}
