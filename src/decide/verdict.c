/*
 * verdict.c
 *		The answer of a verification, as a row of devapp.verdict.
 *
 * A key that is not known tells nothing but that.  One that is known tells who
 * it belongs to even when it is refused, because the gateway's log needs it.
 *
 * From where the row type is asked for to where the row is formed nothing else is
 * looked up, so the type holds until then without being pinned.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "decide/verdict.h"

PG_FUNCTION_INFO_V1(devapp_http_status);

/* The columns of devapp.verdict, in the order of sql/verify/types.sql. */
typedef enum VerdictColumn
{
	COL_ALLOWED,
	COL_CODE,
	COL_FAULT,
	COL_HTTP_STATUS,
	COL_APP_ID,
	COL_APP_NAME,
	COL_OWNER,
	COL_CREDENTIAL_ID,
	COL_CONSUMER_KEY,
	COL_PRODUCT,
	COL_ENVIRONMENT,
	COL_SCOPES,
	COL_EXPIRES_AT,
	COL_SUPERSEDED_UNTIL,
	COL_QUOTA_LIMIT,
	COL_QUOTA_REMAINING,
	COL_QUOTA_RESET_AT,
	COL_RETRY_AFTER,
	COL_PENDING_PRODUCTS,
	COLUMNS
} VerdictColumn;

typedef struct VerdictRow
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS];
} VerdictRow;

static void
set_value(VerdictRow *row, VerdictColumn column, Datum value)
{
	row->values[column] = value;
	row->nulls[column] = false;
}

static void
set_text(VerdictRow *row, VerdictColumn column, const text *value)
{
	if (value != NULL)
		set_value(row, column, PointerGetDatum(value));
}

static void
set_time(VerdictRow *row, VerdictColumn column, int64 value)
{
	if (value != DECIDE_NEVER)
		set_value(row, column, TimestampTzGetDatum(value));
}

/* The credential's own environment, or else the one that was asked for. */
static void
set_environment(VerdictRow *row, const Verdict *v)
{
	if (v->entitlement->environment != NULL)
		set_text(row, COL_ENVIRONMENT, v->entitlement->environment);
	else if (v->environment.data != NULL)
	{
		/* an endless one was cut (verify/arguments.h), perhaps within a character */
		int			len = (int) v->environment.len;

		len = pg_mbcliplen(v->environment.data, len, len);
		set_text(row, COL_ENVIRONMENT,
				 cstring_to_text_with_len(v->environment.data, len));
	}
}

/*
 * Where the call is counted: the credential's own environment, or else the one that
 * was asked for, if a product of the credential names it.  All others are counted
 * together, because whoever calls can make them up, and each of them would take a
 * place in shared memory and have a quota of its own.  What is longer than the place,
 * which is zeroed, is cut, at the end of a character.
 */
void
verdict_environment(const Verdict *v, char *environment, int room)
{
	const Entitlement *e = v->entitlement;
	Str			named = v->environment;
	int			len;

	if (e->environment != NULL)
		named = e->decide.environment;
	else if (named.data != NULL && !decide_environment_is_named(&e->decide, named))
		named = (Str) {OTHER_ENVIRONMENT, strlen(OTHER_ENVIRONMENT)};
	if (named.data == NULL)
		return;
	len = (int) named.len;
	if (len > room)
		len = pg_mbcliplen(named.data, len, room);
	memcpy(environment, named.data, (size_t) len);
}

/* When it ends, without the skew that is granted to a token. */
static int64
shown_expiry(const Entitlement *e)
{
	return e->token != NULL ? Min(e->decide.expires_at, e->token->expires_at) : e->decide.expires_at;
}

static void
set_entitlement(VerdictRow *row, const Verdict *v)
{
	const Entitlement *e = v->entitlement;

	set_value(row, COL_APP_ID, UUIDPGetDatum(&e->app_id));
	set_text(row, COL_APP_NAME, e->app_name);
	set_text(row, COL_OWNER, e->owner);
	set_value(row, COL_CREDENTIAL_ID, UUIDPGetDatum(&e->credential_id));
	set_text(row, COL_CONSUMER_KEY, e->consumer_key);
	set_environment(row, v);
	if (e->pending_products != NULL)
		set_value(row, COL_PENDING_PRODUCTS, PointerGetDatum(e->pending_products));
	set_time(row, COL_EXPIRES_AT, shown_expiry(e));
	if (v->secret->superseded)
		set_time(row, COL_SUPERSEDED_UNTIL, v->secret->valid_until);
	if (v->decision.credential_product >= 0)
	{
		const EntitlementCredentialProduct *a = &e->credential_products[v->decision.credential_product];

		set_text(row, COL_PRODUCT, a->product->name);
		if (v->code == VERDICT_VALID)
			set_value(row, COL_SCOPES, PointerGetDatum(a->scopes));
	}
}

/* ---------- quota and rate ---------- */

static void
set_limits(VerdictRow *row, const VerdictLimits *limits, VerdictCode code)
{
	if (limits->has_quota)
	{
		set_value(row, COL_QUOTA_LIMIT, Int64GetDatum(limits->limit));
		set_value(row, COL_QUOTA_REMAINING, Int64GetDatum(limits->remaining));
		set_value(row, COL_QUOTA_RESET_AT, TimestampTzGetDatum(limits->reset_at));
	}
	if (((code == VERDICT_QUOTA_EXCEEDED || code == VERDICT_RATE_LIMITED) &&
		 limits->wait != RATE_NEVER) ||
		((code == VERDICT_UNAVAILABLE || code == VERDICT_STALE) && limits->wait > 0))
	{
		Interval   *wait = palloc0(sizeof(Interval));

		wait->time = limits->wait;
		set_value(row, COL_RETRY_AFTER, IntervalPGetDatum(wait));
	}
	/* Apigee has no word for it */
	if (limits->no_room)
		set_value(row, COL_FAULT, CStringGetTextDatum("devapp.LimitsOutOfMemory"));
}

static void
set_code(VerdictRow *row, VerdictType *type, VerdictCode code, bool team)
{
	const char *fault = verdict_fault(code, team);

	set_value(row, COL_ALLOWED, BoolGetDatum(code == VERDICT_VALID));
	set_value(row, COL_CODE, ObjectIdGetDatum(verdict_code(type, code)));
	set_value(row, COL_HTTP_STATUS, Int32GetDatum(verdict_info[code].http_status));
	if (fault)
		set_value(row, COL_FAULT, CStringGetTextDatum(fault));
}

static void
set_row(VerdictRow *row, VerdictType *type, const Verdict *v)
{
	bool		team = v->entitlement && v->entitlement->decide.owner_is_team;

	StaticAssertStmt(COLUMNS == VERDICT_COLUMNS, "columns of devapp.verdict");
	StaticAssertStmt(COL_CODE == VERDICT_CODE_COLUMN, "the column of the code");
	memset(row->nulls, true, sizeof(row->nulls));
	set_code(row, type, v->code, team);
	if (v->entitlement)
		set_entitlement(row, v);
	set_limits(row, &v->limits, v->code);
}

static Datum
form_row(const VerdictType *type, const VerdictRow *row)
{
	return row_form(&type->layout, row->values, row->nulls);
}

Datum
verdict_datum(const Verdict *v)
{
	VerdictType *type = verdict_type_find();
	VerdictRow	row;

	set_row(&row, type, v);
	return form_row(type, &row);
}

/* A verdict that is VALID as long as quota and rate were not asked. */
UnfinishedVerdict
verdict_begin(const Verdict *v)
{
	UnfinishedVerdict unfinished = {.type = *verdict_type_find()};
	VerdictRow	row;

	PinTupleDesc(unfinished.type.desc);
	set_row(&row, &unfinished.type, v);
	unfinished.row = form_row(&unfinished.type, &row);
	return unfinished;
}

/* The answer, with what they said. */
Datum
verdict_finish(UnfinishedVerdict *unfinished, VerdictCode code,
			   const VerdictLimits *limits)
{
	TupleDesc	desc = unfinished->type.desc;
	HeapTupleHeader begun = DatumGetHeapTupleHeader(unfinished->row);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(begun), .t_data = begun};
	VerdictRow	row;
	Datum		result;

	memset(row.nulls, true, sizeof(row.nulls));
	heap_deform_tuple(&tuple, desc, row.values, row.nulls);
	set_code(&row, &unfinished->type, code, false);
	if (code != VERDICT_VALID)
		row.nulls[COL_SCOPES] = true;
	set_limits(&row, limits, code);
	result = form_row(&unfinished->type, &row);
	ReleaseTupleDesc(desc);
	return result;
}

/* SQL: devapp_internal.http_status(code): the status that goes with a verdict */
Datum
devapp_http_status(PG_FUNCTION_ARGS)
{
	char	   *code = text_to_cstring(PG_GETARG_TEXT_PP(0));

	for (int i = 0; i < VERDICT_CODES; i++)
	{
		if (strcmp(verdict_info[i].code, code) == 0)
			PG_RETURN_INT32(verdict_info[i].http_status);
	}
	PG_RETURN_NULL();
}
