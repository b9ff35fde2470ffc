/*
 * batch.h
 *		Counts that belong to a transaction.
 */
#ifndef DEVAPP_BATCH_H
#define DEVAPP_BATCH_H

#include "postgres.h"

#include "meter/meter_core.h"

extern void meter_add_batch(const MeterRow *rows, Size n);

#endif							/* DEVAPP_BATCH_H */
