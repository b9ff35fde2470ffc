/*
 * taken.h
 *		Counts that belong to a transaction.
 */
#ifndef DEVAPP_TAKEN_H
#define DEVAPP_TAKEN_H

#include "postgres.h"

#include "meter/meter_core.h"

extern void taken_add(const MeterRow *rows, Size n);

#endif							/* DEVAPP_TAKEN_H */
