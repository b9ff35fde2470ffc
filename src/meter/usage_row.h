/*
 * usage_row.h
 *		Rows of usage, with keys that compare as bytes.
 */
#ifndef DEVAPP_USAGE_ROW_H
#define DEVAPP_USAGE_ROW_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/date.h"
#include "utils/uuid.h"

#include "meter/meter_core.h"

/* Bytes that compare as the index does: nulls are last, numbers begin with the highest byte. */
typedef struct IdKey
{
	uint8		is_null;
	uint8		id[UUID_LEN];
} IdKey;

/*
 * The whole key tells rows of hours apart; the part before "hour" tells rows of days apart,
 * and rows are looked for by the part before "product".
 */
typedef struct UsageKey
{
	IdKey		app;
	uint8		day[sizeof(uint32)];
	IdKey		product;
	uint8		no_environment;
	char		environment[METER_ENVIRONMENT_LEN];
	uint8		code[sizeof(Oid)];
	uint8		hour[sizeof(uint64)];
	IdKey		credential;
	IdKey		operation;
} UsageKey;

#define RUN_KEY_LEN		offsetof(UsageKey, product)
#define DAY_KEY_LEN		offsetof(UsageKey, hour)
#define HOUR_KEY_LEN	sizeof(UsageKey)

typedef struct UsageRow
{
	UsageKey	key;
	int64		calls;
	int64		cost;
} UsageRow;

/* what a column holds */
typedef enum UsagePart
{
	PART_TIME,
	PART_APP,
	PART_CREDENTIAL,
	PART_PRODUCT,
	PART_OPERATION,
	PART_ENVIRONMENT,
	PART_CODE,
	PART_CALLS,
	PART_COST,
	PART_UPDATED_AT
} UsagePart;

extern bool usage_row_set(UsageRow *row, UsagePart part, Datum value, bool isnull, bool by_hour);
extern Datum usage_row_get(const UsageRow *row, UsagePart part, bool by_hour, TimestampTz written_at, bool *isnull);
extern TimestampTz usage_row_hour(const UsageRow *row);

extern void usage_rows_sort(UsageRow *rows, size_t n);
extern size_t usage_rows_merge(UsageRow *rows, size_t n, size_t key_len);

#endif							/* DEVAPP_USAGE_ROW_H */
