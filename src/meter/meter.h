/*
 * meter.h
 *		Counters in shared memory.
 */
#ifndef DEVAPP_METER_H
#define DEVAPP_METER_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "meter/meter_core.h"

/* How full the table is. */
typedef struct MeterSlots
{
	uint64		used;
	uint64		total;
} MeterSlots;

extern bool devapp_metering;
extern int	devapp_flush_interval;	/* s; 0: never */
extern int	devapp_retention_day;	/* minutes; 0: for ever */
extern int	devapp_record_delay;	/* minutes; 0: devapp_retention_day */

extern void meter_define_gucs(void);
extern void meter_init(void);
extern bool meter_is_on(void);
extern void meter_require(void);
extern void meter_add(const MeterKey *key, const MeterValue *value);
extern int	meter_stripes(void);
extern uint32 meter_stripe_limit(void);
extern uint32 meter_take_stripe(int number, Oid database, MeterRow *rows);
extern uint64 meter_discard(Oid database);
extern MeterSlots meter_slots(void);

#endif							/* DEVAPP_METER_H */
