/*
 * procedure.c
 *		What procedures that commit have in common.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"

#include "base/procedure.h"

/* False in BEGIN ... COMMIT, in a function, and where it is not CALLed at all. */
bool
procedure_may_commit(FunctionCallInfo fcinfo)
{
	CallContext *context = (CallContext *) fcinfo->context;

	return context != NULL && IsA(context, CallContext) && !context->atomic;
}
