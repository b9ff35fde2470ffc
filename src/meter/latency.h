/*
 * latency.h
 *		Histograms of latencies as SQL arrays.
 */
#ifndef DEVAPP_LATENCY_H
#define DEVAPP_LATENCY_H

#include "postgres.h"

#include "utils/array.h"

extern ArrayType *histogram_array(const int64 *counts);

#endif							/* DEVAPP_LATENCY_H */
