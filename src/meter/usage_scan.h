/*
 * usage_scan.h
 *		Hands the rows of a query to a receiver, and keeps none.
 */
#ifndef DEVAPP_USAGE_SCAN_H
#define DEVAPP_USAGE_SCAN_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "nodes/params.h"
#include "tcop/dest.h"

/* an argument of the query */
#define SCAN_PARAM(datum, type) \
	((ParamExternData) {.value = (datum), .pflags = PARAM_FLAG_CONST, .ptype = (type)})

/*
 * A receiver of rows that the executor hands on whole, because leaving columns out would take
 * longer.  It reads some columns, which are found by name when the scan starts.
 */
#define SCAN_COLUMNS	5

typedef struct ScanReceiver
{
	DestReceiver receiver;
	const char *const *names;	/* of the columns; NULL after the last */
	int			at[SCAN_COLUMNS];	/* where they are in the arrays of a slot */
	int			taken;			/* so many columns have to be taken apart */
} ScanReceiver;

static inline void
scan_take(const ScanReceiver *r, TupleTableSlot *slot)
{
	slot_getsomeattrs(slot, r->taken);
}

static inline bool
scan_isnull(const ScanReceiver *r, TupleTableSlot *slot, int n)
{
	return slot->tts_isnull[r->at[n]];
}

static inline Datum
scan_value(const ScanReceiver *r, TupleTableSlot *slot, int n)
{
	return slot->tts_values[r->at[n]];
}

extern void usage_scan(const char *query, const ParamExternData *params, int n, DestReceiver *receiver);
extern void usage_scan_columns(const char *query, const ParamExternData *params, int n, ScanReceiver *receiver);

#endif							/* DEVAPP_USAGE_SCAN_H */
