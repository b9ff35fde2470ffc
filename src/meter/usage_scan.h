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
 * What a receiver reads of rows that the executor hands on whole, because it would take longer to
 * leave columns out: the columns are found by name when the scan starts (scan_columns_find).
 */
#define SCAN_COLUMNS	5

typedef struct ScanColumns
{
	int			at[SCAN_COLUMNS];	/* in the arrays of a slot */
	int			taken;			/* so many columns have to be taken apart */
} ScanColumns;

extern void scan_columns_find(ScanColumns *columns, const char *const *names, TupleDesc desc);

static inline void
scan_take(const ScanColumns *columns, TupleTableSlot *slot)
{
	slot_getsomeattrs(slot, columns->taken);
}

static inline bool
scan_isnull(const ScanColumns *columns, TupleTableSlot *slot, int n)
{
	return slot->tts_isnull[columns->at[n]];
}

static inline Datum
scan_value(const ScanColumns *columns, TupleTableSlot *slot, int n)
{
	return slot->tts_values[columns->at[n]];
}

extern void usage_scan(const char *query, const ParamExternData *params, int n, DestReceiver *receiver);

#endif							/* DEVAPP_USAGE_SCAN_H */
