/*
 * count.h
 *		Counting verifications.
 */
#ifndef DEVAPP_COUNT_H
#define DEVAPP_COUNT_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "decide/verdict.h"
#include "meter/meter_core.h"

extern void count_prepare(MeterKey *key, const Verdict *verdict, TimestampTz now);
extern void count_call(MeterKey *key, VerdictCode code, int64 cost, TimestampTz now);
extern void count_verdict(const Verdict *verdict, TimestampTz now);

#endif							/* DEVAPP_COUNT_H */
