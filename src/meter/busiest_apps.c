/*
 * busiest_apps.c
 *		The apps with the most calls of the last 30 days.
 *
 * A query that sorts 300,000 apps, and another one that adds up their calls, take four times as
 * long as one look at each of them that keeps the best.  Deleted apps are left out at the end,
 * because looking for all apps would take longest.  If too few are left, more are kept.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "meter/add_counts.h"
#include "meter/usage_scan.h"

PG_FUNCTION_INFO_V1(devapp_busiest_apps);

typedef struct BusyApp
{
	pg_uuid_t	app_id;
	int64		calls;
	int64		calls_before;
} BusyApp;

typedef struct BusiestApps
{
	ScanReceiver scan;
	int			most;			/* to keep; there is room for twice as many */
	int			n;
	BusyApp    *apps;
	bool		some_left_out;	/* and the last that was kept comes before them */
	BusyApp		last;
	int64		all_calls;
} BusiestApps;

/* ---------- the calls ---------- */

enum
{
	CALLS_APP_ID,
	CALLS_NOW,
	CALLS_BEFORE
};

static const char *const calls_columns[] = {"app_id", "calls_30d", "calls_previous_30d", NULL};

static const char calls_query[] = "SELECT * FROM devapp_internal.app_usage u";

static int
compare_apps(const void *a, const void *b)
{
	const BusyApp *x = a;
	const BusyApp *y = b;

	if (x->calls != y->calls)
		return x->calls > y->calls ? -1 : 1;
	return memcmp(&x->app_id, &y->app_id, sizeof(pg_uuid_t));
}

static void
keep_busiest(BusiestApps *busiest)
{
	qsort(busiest->apps, (size_t) busiest->n, sizeof(BusyApp), compare_apps);
	if (busiest->n <= busiest->most)
		return;
	busiest->n = busiest->most;
	busiest->last = busiest->apps[busiest->most - 1];
	busiest->some_left_out = true;
}

static bool
receive_calls(TupleTableSlot *slot, DestReceiver *receiver)
{
	BusiestApps *busiest = (BusiestApps *) receiver;
	BusyApp		app;

	scan_take(&busiest->scan, slot);
	app.app_id = *DatumGetUUIDP(scan_value(&busiest->scan, slot, CALLS_APP_ID));
	app.calls = DatumGetInt64(scan_value(&busiest->scan, slot, CALLS_NOW));
	app.calls_before = DatumGetInt64(scan_value(&busiest->scan, slot, CALLS_BEFORE));
	busiest->all_calls = add_counts(busiest->all_calls, app.calls);
	if (app.calls <= 0 || (busiest->some_left_out && compare_apps(&app, &busiest->last) > 0))
		return true;
	busiest->apps[busiest->n++] = app;
	if (busiest->n == 2 * busiest->most)
		keep_busiest(busiest);
	return true;
}

/* ---------- without deleted apps ---------- */

static const char live_query[] =
"SELECT a.app_id FROM devapp.app a WHERE a.app_id OPERATOR(pg_catalog.=) ANY ($1) AND a.deleted_at IS NULL";

typedef struct LiveApps
{
	DestReceiver receiver;
	int			n;
	pg_uuid_t  *ids;
} LiveApps;

static bool
receive_live(TupleTableSlot *slot, DestReceiver *receiver)
{
	LiveApps   *live = (LiveApps *) receiver;

	slot_getallattrs(slot);
	live->ids[live->n++] = *DatumGetUUIDP(slot->tts_values[0]);
	return true;
}

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(pg_uuid_t));
}

static ArrayType *
ids_of(const BusiestApps *busiest)
{
	Datum	   *ids = palloc(sizeof(Datum) * (size_t) Max(busiest->n, 1));

	for (int i = 0; i < busiest->n; i++)
		ids[i] = UUIDPGetDatum(&busiest->apps[i].app_id);
	return construct_array(ids, busiest->n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
}

static void
drop_deleted(BusiestApps *busiest)
{
	const ParamExternData ids = SCAN_PARAM(PointerGetDatum(ids_of(busiest)), UUIDARRAYOID);
	LiveApps	live = {
		.receiver.receiveSlot = receive_live,
		.ids = palloc(sizeof(pg_uuid_t) * (size_t) Max(busiest->n, 1))
	};
	int			left = 0;

	usage_scan(live_query, &ids, 1, &live.receiver);
	qsort(live.ids, (size_t) live.n, sizeof(pg_uuid_t), compare_ids);
	for (int i = 0; i < busiest->n; i++)
	{
		if (bsearch(&busiest->apps[i].app_id, live.ids, (size_t) live.n, sizeof(pg_uuid_t), compare_ids) != NULL)
			busiest->apps[left++] = busiest->apps[i];
	}
	busiest->n = left;
}

/* ---------- the function ---------- */

/* Of so many that are kept, deleted ones included. */
static BusiestApps
find_busiest(int most)
{
	BusiestApps busiest = {
		.scan = {.receiver.receiveSlot = receive_calls, .names = calls_columns},
		.most = most,
		.apps = palloc_extended(2 * (Size) most * sizeof(BusyApp), MCXT_ALLOC_HUGE)
	};

	usage_scan_columns(calls_query, NULL, 0, &busiest.scan);
	keep_busiest(&busiest);
	drop_deleted(&busiest);
	return busiest;
}

static void
put_app(const BusyApp *app, int64 all_calls, ReturnSetInfo *result)
{
	Datum		values[] = {
		UUIDPGetDatum(&app->app_id), Int64GetDatum(app->calls), Int64GetDatum(app->calls_before),
		Int64GetDatum(all_calls)
	};
	bool		nulls[lengthof(values)] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* SQL: devapp_internal.busiest_apps(most integer) */
Datum
devapp_busiest_apps(PG_FUNCTION_ARGS)
{
	int			most = Max(PG_GETARG_INT32(0), 1);
	int			kept = most + most / 4 + 1;
	BusiestApps busiest;

	InitMaterializedSRF(fcinfo, 0);
	busiest = find_busiest(kept);
	while (busiest.n < most && busiest.some_left_out)
	{
		kept *= 4;
		busiest = find_busiest(kept);
	}
	for (int i = 0; i < Min(busiest.n, most); i++)
		put_app(&busiest.apps[i], busiest.all_calls, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
