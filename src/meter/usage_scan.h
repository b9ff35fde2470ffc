/*
 * usage_scan.h
 *		Hands the rows of a query to a receiver, and keeps none.
 */
#ifndef DEVAPP_USAGE_SCAN_H
#define DEVAPP_USAGE_SCAN_H

#include "postgres.h"

#include "nodes/params.h"
#include "tcop/dest.h"

/* an argument of the query */
#define SCAN_PARAM(datum, type) \
	((ParamExternData) {.value = (datum), .pflags = PARAM_FLAG_CONST, .ptype = (type)})

extern void usage_scan(const char *query, const ParamExternData *params, int n, DestReceiver *receiver);

#endif							/* DEVAPP_USAGE_SCAN_H */
