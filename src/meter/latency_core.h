/*
 * latency_core.h
 *		A histogram of latencies with logarithmic bins.  Needs no backend.
 */
#ifndef DEVAPP_LATENCY_CORE_H
#define DEVAPP_LATENCY_CORE_H

#include <stdint.h>

/* longest latency, in microseconds: a day */
#define LATENCY_MAX			INT64_C(86400000000)
#define LATENCY_BINS		146

extern int	latency_bin(uint64_t microseconds);
extern double latency_middle(int bin);
extern int	latency_percentile(const int64_t *counts, int n, double fraction);

#endif							/* DEVAPP_LATENCY_CORE_H */
