/*
 * meter_core.h
 *		A bounded table of counters.  Needs no backend.
 */
#ifndef DEVAPP_METER_CORE_H
#define DEVAPP_METER_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slot_table_core.h"

#define METER_ID_LEN			16
#define METER_ENVIRONMENT_LEN	24

typedef enum MeterKind
{
	METER_CALL = 1,				/* a verification */
	METER_RESPONSE = 2			/* how a call went */
} MeterKind;

/* How a call went, by its status. */
typedef enum MeterOutcome
{
	OUTCOME_OK,					/* below 400 */
	OUTCOME_CLIENT_ERROR,		/* 4xx */
	OUTCOME_SERVER_ERROR		/* 5xx */
} MeterOutcome;

/*
 * What is counted apart.  Compared and hashed as bytes: no padding, and what does
 * not apply is zero.
 */
typedef struct MeterKey
{
	uint32_t	database;
	int32_t		minute;			/* since 2000-01-01 00:00 UTC; of a response, the day's first */
	uint8_t		kind;
	uint8_t		code;			/* VerdictCode or MeterOutcome */
	uint16_t	bin;			/* of the latency; of a verification, 1: counted against a lease */
	int32_t		secret_version;
	uint8_t		app_id[METER_ID_LEN];
	uint8_t		credential_id[METER_ID_LEN];
	uint8_t		product_id[METER_ID_LEN];
	uint8_t		operation_id[METER_ID_LEN];
	char		environment[METER_ENVIRONMENT_LEN];
} MeterKey;

/* Of calls: sum is their cost, max the time of the last one.  Of responses: latencies. */
typedef struct MeterValue
{
	uint64_t	count;
	uint64_t	sum;
	uint64_t	min;
	uint64_t	max;
} MeterValue;

typedef struct MeterRow
{
	MeterKey	key;
	MeterValue	value;
} MeterRow;

/* What is before rows that are written down. */
typedef struct MeterHeader
{
	uint32_t	magic;
	uint32_t	row_size;
} MeterHeader;

#define METER_MAGIC		0x44564d31	/* changes with the layout and the meaning of rows */

/* A part of the table, with a lock of its own. */
typedef SlotTable MeterStripe;

extern uint64_t meter_hash(const MeterKey *key, const SlotSeed *seed);

extern size_t meter_stripe_size(uint32_t nslots);

/* these need the stripe's lock: shared */
extern bool meter_hit(MeterStripe *stripe, uint64_t hash,
					  const MeterKey *key, const MeterValue *value);

/* exclusive */
extern bool meter_insert(MeterStripe *stripe, uint64_t hash,
						 const MeterKey *key, const MeterValue *value);
extern uint32_t meter_take(MeterStripe *stripe, uint32_t database,
						   MeterRow *rows);

#endif							/* DEVAPP_METER_CORE_H */
