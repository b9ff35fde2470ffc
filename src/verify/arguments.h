/*
 * arguments.h
 *		The arguments of a verification, as bytes.
 *
 * These are in the header because they are a good part of a verification's cost.
 */
#ifndef DEVAPP_ARGUMENTS_H
#define DEVAPP_ARGUMENTS_H

#include "postgres.h"

#include "access/detoast.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "decide/decide_core.h"
#include "decide/quota_core.h"
#include "match/network.h"
#include "match/scope.h"

/* Where a longer argument can mean nothing, it need not be detoasted whole. */
#define ARGUMENT_WHOLE			SIZE_MAX
#define ARGUMENT_NAME_LIMIT		1024
#define ARGUMENT_RESOURCE_LIMIT	(64 * 1024)

/*
 * An argument as bytes; data NULL for SQL NULL.  One that is longer than the limit is
 * cut to one byte more than that.
 */
static inline Str
text_argument(FunctionCallInfo fcinfo, int n, size_t limit)
{
	Datum		value;
	text	   *t;
	size_t		len;

	if (PG_ARGISNULL(n))
		return (Str) {NULL, 0};
	value = PG_GETARG_DATUM(n);
	t = (text *) DatumGetPointer(value);
	if (unlikely(VARATT_IS_EXTERNAL(t) || VARATT_IS_COMPRESSED(t)))
	{
		if (toast_raw_datum_size(value) - VARHDRSZ > limit)
			t = (text *) PG_DETOAST_DATUM_SLICE(value, 0, (int32) limit + 1);
		else
			t = DatumGetTextPP(value);
	}
	len = VARSIZE_ANY_EXHDR(t);
	return (Str) {VARDATA_ANY(t), len > limit ? limit + 1 : len};
}

/*
 * The arguments (resource, method, environment, proxy) that start at n, for now.  whole:
 * none is cut, because it is shown.
 */
static inline DecideRequest
request_arguments(FunctionCallInfo fcinfo, int n, bool whole)
{
	size_t		name_limit = whole ? ARGUMENT_WHOLE : ARGUMENT_NAME_LIMIT;
	Str			resource = text_argument(fcinfo, n, whole ? ARGUMENT_WHOLE :
										 ARGUMENT_RESOURCE_LIMIT);
	DecideRequest request;

	decide_request_init(&request);
	if (resource.data != NULL)
		decide_request_set_resource(&request, resource.data, resource.len);
	request.method = text_argument(fcinfo, n + 1, name_limit);
	request.environment = text_argument(fcinfo, n + 2, name_limit);
	request.proxy = text_argument(fcinfo, n + 3, name_limit);
	request.now = GetCurrentTimestamp();
	return request;
}

/*
 * What narrows a call: the arguments (scope, client) that start at n.  A malformed
 * expression of scopes is a mistake of the gateway's, and an error.
 */
static inline void
narrow_request(DecideRequest *request, FunctionCallInfo fcinfo, int n)
{
	if (!PG_ARGISNULL(n))
		request->scope = scope_compile(text_argument(fcinfo, n, SCOPE_MAX_LEN));
	request->client_known = !PG_ARGISNULL(n + 1);
	if (request->client_known)
		request->client = network_of(PG_GETARG_DATUM(n + 1));
}

/* What a call takes from quota and rate; 0 takes nothing.  More than COST_MAX counts as that. */
static inline int64
cost_argument(FunctionCallInfo fcinfo, int n)
{
	int64		cost = PG_ARGISNULL(n) ? 1 : PG_GETARG_INT64(n);

	return cost < 0 ? 0 : Min(cost, COST_MAX);
}

#endif							/* DEVAPP_ARGUMENTS_H */
