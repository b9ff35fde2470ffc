/*
 * count.c
 *		What is counted: verifications, and how the calls went.
 *
 *	record_usage(credential_id, product, status, latency, at)
 *	record_usage(credential_ids, products, statuses, latencies, ats)
 *
 * A verification is counted after it is decided, under what its verdict names, in
 * the minute (UTC) of the decision.  Counting writes to shared memory only
 * (meter.c), so it does not ask whether the transaction may write or will commit.
 *
 * How a call went is told by the gateway, afterwards.  It names a credential and a
 * product, which are looked up by index scans of the latest committed state, as in a
 * verification; what is not known is counted under no id.  All arguments are looked
 * at before anything is counted.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/list.h"
#include "base/name.h"
#include "decide/verdict.h"
#include "key/mask.h"
#include "meter/latency_core.h"
#include "meter/meter.h"
#include "table/catalog.h"
#include "verify/count.h"

PG_FUNCTION_INFO_V1(devapp_record_usage);
PG_FUNCTION_INFO_V1(devapp_record_usages);

/* ---------- verifications ---------- */

static int32
minute_of(TimestampTz at)
{
	int64		minute = at / USECS_PER_MINUTE;

	if (at % USECS_PER_MINUTE < 0)
		minute--;
	return (int32) minute;
}

static void
set_product(MeterKey *key, const Verdict *v)
{
	const EntitlementProduct *product;

	if (v->decision.credential_product < 0)
		return;
	product = v->entitlement->credential_products[v->decision.credential_product].product;
	memcpy(key->product_id, &product->product_id, METER_ID_LEN);
	if (v->decision.operation >= 0)
		memcpy(key->operation_id, &product->operation_ids[v->decision.operation],
			   METER_ID_LEN);
}

/* The counter of a verdict, but for its code. */
void
count_prepare(MeterKey *key, const Verdict *v, TimestampTz now)
{
	memset(key, 0, sizeof(MeterKey));
	key->kind = METER_CALL;
	key->database = MyDatabaseId;
	key->minute = minute_of(now);
	if (v->entitlement != NULL)
	{
		memcpy(key->app_id, &v->entitlement->app_id, METER_ID_LEN);
		memcpy(key->credential_id, &v->entitlement->credential_id, METER_ID_LEN);
		key->secret_version = v->secret->version;
		verdict_environment(v, key->environment, METER_ENVIRONMENT_LEN);
		set_product(key, v);
	}
}

/*
 * Of the time of the last call only whole seconds are kept: so the calls of a
 * second write to it once.
 */
void
count_call(MeterKey *key, VerdictCode code, int64 cost, TimestampTz now)
{
	MeterValue	value = {.count = 1};

	if (!devapp_metering || !meter_is_on())
		return;
	key->code = (uint8) code;
	value.sum = code == VERDICT_VALID ? (uint64) cost : 0;
	value.max = now > 0 ? (uint64) (now - now % USECS_PER_SEC) : 0;
	meter_add(key, &value);
}

void
count_verdict(const Verdict *v, TimestampTz now)
{
	MeterKey	key;

	if (!devapp_metering || !meter_is_on())
		return;
	count_prepare(&key, v, now);
	key.bin = v->limits.leased;
	count_call(&key, v->code, v->cost, now);
}

/* ---------- how calls went: arguments ---------- */

/* A call as the gateway tells of it. */
typedef struct Report
{
	const pg_uuid_t *credential_id; /* NULL: none */
	text	   *product;		/* NULL: none */
	int32		http_status;
	uint64		latency;		/* microseconds */
	int32		day;			/* first minute of it */
} Report;

/* how far a gateway's clock may be ahead */
#define CLOCK_SKEW	(5 * USECS_PER_MINUTE)

/* where nothing is dropped, this is the oldest call that can be told of */
#define OLDEST_REPORT	(3660 * USECS_PER_DAY)

static int32
check_http_status(bool isnull, Datum value)
{
	int32		http_status = isnull ? 0 : DatumGetInt32(value);

	if (http_status < 100 || http_status > 599)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 isnull ? errmsg("status must not be null") :
				 errmsg("status %d is not an HTTP status", http_status),
				 errhint("Give the status of the response, from 100 to 599.")));
	return http_status;
}

static uint64
check_latency(bool isnull, Datum value)
{
	const Interval *interval = isnull ? NULL : DatumGetIntervalP(value);

	/* the parts are bounded one by one, so that their sum can't overflow */
	if (interval != NULL && interval->month == 0 &&
		interval->day >= -1 && interval->day <= 1 &&
		interval->time >= -LATENCY_MAX && interval->time <= LATENCY_MAX)
	{
		int64		latency = interval->time + interval->day * USECS_PER_DAY;

		if (latency >= 0 && latency <= LATENCY_MAX)
			return (uint64) latency;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 isnull ? errmsg("latency must not be null") :
			 errmsg("latency must be from 0 to 24 hours"),
			 errhint("Give the time from request to response as an interval, like '35 ms'.")));
}

static int32
check_at(bool isnull, Datum value, TimestampTz now)
{
	TimestampTz at = isnull ? now : DatumGetTimestampTz(value);
	int64		keep = devapp_retention_day > 0 ?
		devapp_retention_day * USECS_PER_MINUTE : OLDEST_REPORT;

	if (at > now + CLOCK_SKEW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"at\" is in the future"),
				 errhint("Set the gateway's clock: it is more than 5 minutes ahead of the server's.")));
	if (at < now - keep)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"at\" is older than the retention period"),
				 errhint("See the setting devapp.retention_day.")));
	if (devapp_record_delay > 0 && at < now - devapp_record_delay * USECS_PER_MINUTE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"at\" is too long ago for a call to be recorded"),
				 errhint("Record calls soon after they were made; see the setting devapp.record_delay.")));
	return minute_of(at) - (minute_of(at) % MINUTES_PER_DAY + MINUTES_PER_DAY) % MINUTES_PER_DAY;
}

/* ---------- how calls went: counting ---------- */

/* What was looked up last, for arrays of calls. */
typedef struct Known
{
	bool		has_credential;
	pg_uuid_t	credential_id;
	bool		credential_known;
	pg_uuid_t	app_id;
	text	   *product;		/* NULL: none was looked up */
	pg_uuid_t	product_id;
} Known;

#define KNOWN_SLOTS	256			/* a power of two */

/* Read one uuid column of the row with this value. */
static bool
look_up(CatalogIndex index, CatalogColumn column, Datum value, pg_uuid_t *id)
{
	Snapshot	snapshot = catalog_take_snapshot();
	CatalogScan scan;
	bool		isnull = true;

	catalog_scan_begin(&scan, index, value, snapshot);
	if (catalog_scan_next(&scan))
	{
		Datum		found = catalog_value(&scan, column, &isnull);

		if (!isnull)
			*id = *DatumGetUUIDP(found);
	}
	catalog_scan_end(&scan);
	catalog_release_snapshot(snapshot);
	return !isnull;
}

static Known *
find_credential(Known *known, const pg_uuid_t *credential_id)
{
	Known	   *k = &known[credential_id->data[UUID_LEN - 1] % KNOWN_SLOTS];

	if (!k->has_credential ||
		memcmp(&k->credential_id, credential_id, UUID_LEN) != 0)
	{
		k->has_credential = true;
		k->credential_id = *credential_id;
		k->credential_known = look_up(CREDENTIAL_BY_ID, CREDENTIAL_APP_ID,
									  UUIDPGetDatum(credential_id), &k->app_id);
	}
	return k;
}

static Known *
find_product(Known *known, text *product)
{
	size_t		len = VARSIZE_ANY_EXHDR(product);
	const char *data = VARDATA_ANY(product);
	uint32		hash = 0;
	Known	   *k;

	for (size_t i = 0; i < len; i++)
		hash = hash * 31 + (uint8) data[i];
	k = &known[hash % KNOWN_SLOTS];
	if (k->product == NULL || VARSIZE_ANY_EXHDR(k->product) != len ||
		memcmp(VARDATA_ANY(k->product), data, len) != 0)
	{
		k->product = product;
		if (!look_up(PRODUCT_BY_NAME, PRODUCT_ID, PointerGetDatum(product), &k->product_id))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("product %s does not exist",
							quote_identifier(mask_string(text_to_cstring(product)))),
					 errhint("Give the product that the verdict named, or null to count the call under no product.")));
	}
	return k;
}

/*
 * True if the credential is known.  A call of one that is not counts under no app, and
 * under no product: who told of it may have made it up.  That its product exists is
 * asked all the same.
 */
static bool
fill_ids(MeterKey *key, const Report *report, Known *known)
{
	Known	   *product = report->product == NULL ? NULL : find_product(known, report->product);
	Known	   *credential;

	if (report->credential_id == NULL)
		return false;
	credential = find_credential(known, report->credential_id);
	if (!credential->credential_known)
		return false;
	memcpy(key->app_id, &credential->app_id, METER_ID_LEN);
	if (product != NULL)
		memcpy(key->product_id, &product->product_id, METER_ID_LEN);
	return true;
}

/* The counter that a call belongs to; true if its credential is known. */
static bool
make_row(MeterRow *row, const Report *report, Known *known)
{
	MeterKey   *key = &row->key;

	memset(row, 0, sizeof(MeterRow));
	key->database = MyDatabaseId;
	key->kind = METER_RESPONSE;
	key->minute = report->day;
	key->code = report->http_status >= 500 ? OUTCOME_SERVER_ERROR :
		report->http_status >= 400 ? OUTCOME_CLIENT_ERROR : OUTCOME_OK;
	key->bin = (uint16) latency_bin(report->latency);
	row->value = (MeterValue) {1, report->latency, report->latency, report->latency};
	return fill_ids(key, report, known);
}

/* Count n calls, whose arguments are right; returns how many have a known credential. */
static int
count_reports(const Report *reports, int n)
{
	Known	   *known = palloc0(sizeof(Known) * KNOWN_SLOTS);
	MeterRow   *rows = palloc_extended(sizeof(MeterRow) * (Size) Max(n, 1),
									   MCXT_ALLOC_HUGE);
	int			nknown = 0;

	/* looking up may fail, counting can't */
	for (int i = 0; i < n; i++)
		nknown += make_row(&rows[i], &reports[i], known);
	if (devapp_metering && meter_is_on())
	{
		for (int i = 0; i < n; i++)
			meter_add(&rows[i].key, &rows[i].value);
	}
	pfree(rows);
	pfree(known);
	return nknown;
}

/* record_usage(credential_id, product, status, latency, at) */
Datum
devapp_record_usage(PG_FUNCTION_ARGS)
{
	Report		report = {0};

	if (!PG_ARGISNULL(0))
		report.credential_id = PG_GETARG_UUID_P(0);
	if (!PG_ARGISNULL(1))
		report.product = name_canonical(PG_GETARG_TEXT_PP(1));
	report.http_status = check_http_status(PG_ARGISNULL(2), PG_GETARG_DATUM(2));
	report.latency = check_latency(PG_ARGISNULL(3), PG_GETARG_DATUM(3));
	report.day = check_at(PG_ARGISNULL(4), PG_GETARG_DATUM(4), GetCurrentTimestamp());
	PG_RETURN_INT32(count_reports(&report, 1));
}

/* ---------- arrays of calls ---------- */

typedef struct Column
{
	int			n;
	Datum	   *values;
	bool	   *nulls;
} Column;

static Column
array_argument(FunctionCallInfo fcinfo, int number)
{
	static const char *const names[] = {
		"credential_ids", "products", "statuses", "latencies", "ats"
	};
	Column		column = {0, NULL, NULL};
	ArrayType  *array;
	int16		len;
	bool		byval;
	char		align;

	if (PG_ARGISNULL(number))
		return column;
	array = PG_GETARG_ARRAYTYPE_P(number);
	list_require_flat(array, names[number]);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &len, &byval, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), len, byval, align,
					  &column.values, &column.nulls, &column.n);
	return column;
}

/* record_usage(credential_ids, products, statuses, latencies, ats) */
Datum
devapp_record_usages(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	Column		columns[5];
	Report	   *reports;
	int			n;

	for (int i = 0; i < 5; i++)
		columns[i] = array_argument(fcinfo, i);
	n = columns[0].n;
	for (int i = 1; i < 5; i++)
	{
		/* the times may be left out as a whole */
		if (columns[i].n != n && !(i == 4 && PG_ARGISNULL(4)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the arrays must have the same length"),
					 errhint("Give one element per call in each array, and null where there is none.")));
	}
	reports = palloc_extended(sizeof(Report) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
	{
		bool		no_time = PG_ARGISNULL(4) || columns[4].nulls[i];

		reports[i].credential_id = columns[0].nulls[i] ? NULL :
			DatumGetUUIDP(columns[0].values[i]);
		reports[i].product = columns[1].nulls[i] ? NULL :
			name_canonical(DatumGetTextPP(columns[1].values[i]));
		reports[i].http_status = check_http_status(columns[2].nulls[i], columns[2].values[i]);
		reports[i].latency = check_latency(columns[3].nulls[i], columns[3].values[i]);
		reports[i].day = check_at(no_time, no_time ? (Datum) 0 : columns[4].values[i], now);
	}
	PG_RETURN_INT32(count_reports(reports, n));
}
