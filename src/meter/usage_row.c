/*
 * usage_row.c
 *		Rows of usage, with keys that compare as bytes.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "meter/add_counts.h"
#include "meter/usage_row.h"

#define ST_SORT usage_rows_sort
#define ST_ELEMENT_TYPE UsageRow
#define ST_COMPARE(a, b) memcmp(&(a)->key, &(b)->key, sizeof(UsageKey))
#define ST_SCOPE extern
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

static void
set_id(IdKey *key, Datum id, bool isnull)
{
	key->is_null = isnull;
	if (isnull)
		memset(key->id, 0, UUID_LEN);
	else
		memcpy(key->id, DatumGetUUIDP(id)->data, UUID_LEN);
}

static inline void
set_number(uint8 *key, uint32 number)
{
	number = pg_hton32(number);
	memcpy(key, &number, sizeof(number));
}

static inline uint32
number_of(const uint8 *key)
{
	uint32		number;

	memcpy(&number, key, sizeof(number));
	return pg_ntoh32(number);
}

/* The highest bit is turned, so that times before 2000 come first. */
static void
set_hour(UsageKey *key, TimestampTz hour)
{
	uint64		number = pg_hton64((uint64) hour ^ (UINT64CONST(1) << 63));

	memcpy(key->hour, &number, sizeof(number));
}

TimestampTz
usage_row_hour(const UsageRow *row)
{
	uint64		number;

	memcpy(&number, row->key.hour, sizeof(number));
	return (TimestampTz) (pg_ntoh64(number) ^ (UINT64CONST(1) << 63));
}

static void
set_day(UsageKey *key, DateADT day)
{
	set_number(key->day, (uint32) day ^ ((uint32) 1 << 31));
}

static DateADT
day_of(const UsageKey *key)
{
	return (DateADT) (number_of(key->day) ^ ((uint32) 1 << 31));
}

/* The hour of a row of days is zero. */
static void
set_time(UsageKey *key, Datum time, bool by_hour)
{
	TimestampTz at;
	TimestampTz day;

	if (!by_hour)
	{
		set_day(key, DatumGetDateADT(time));
		memset(key->hour, 0, sizeof(key->hour));
		return;
	}
	at = DatumGetTimestampTz(time);
	day = at / USECS_PER_DAY - (at % USECS_PER_DAY < 0);
	set_day(key, (DateADT) day);
	set_hour(key, at - (at - day * USECS_PER_DAY) % USECS_PER_HOUR);
}

/* False: the environment is longer than devapp counts any. */
static bool
set_environment(UsageKey *key, Datum environment, bool isnull)
{
	text	   *name;

	key->no_environment = isnull;
	memset(key->environment, 0, METER_ENVIRONMENT_LEN);
	if (isnull)
		return true;
	name = DatumGetTextPP(environment);
	if (VARSIZE_ANY_EXHDR(name) > METER_ENVIRONMENT_LEN)
		return false;
	memcpy(key->environment, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	return true;
}

/* Sets what a column of minutes, hours or days holds; false: devapp never wrote such a value. */
bool
usage_row_set(UsageRow *row, UsagePart part, Datum value, bool isnull, bool by_hour)
{
	switch (part)
	{
		case PART_TIME:
			set_time(&row->key, value, by_hour);
			break;
		case PART_APP:
			set_id(&row->key.app, value, isnull);
			break;
		case PART_CREDENTIAL:
			set_id(&row->key.credential, value, isnull);
			break;
		case PART_PRODUCT:
			set_id(&row->key.product, value, isnull);
			break;
		case PART_OPERATION:
			set_id(&row->key.operation, value, isnull);
			break;
		case PART_ENVIRONMENT:
			return set_environment(&row->key, value, isnull);
		case PART_CODE:
			set_number(row->key.code, DatumGetObjectId(value));
			break;
		case PART_CALLS:
			row->calls = DatumGetInt64(value);
			break;
		case PART_COST:
			row->cost = DatumGetInt64(value);
			break;
		case PART_UPDATED_AT:
			break;
	}
	return true;
}

static Datum
id_datum(const IdKey *key, bool *isnull)
{
	*isnull = key->is_null;
	return UUIDPGetDatum((const pg_uuid_t *) key->id);
}

/* Returns the value of a column; that of the environment is allocated. */
Datum
usage_row_get(const UsageRow *row, UsagePart part, bool by_hour, TimestampTz written_at, bool *isnull)
{
	const UsageKey *key = &row->key;

	*isnull = false;
	switch (part)
	{
		case PART_TIME:
			return by_hour ? TimestampTzGetDatum(usage_row_hour(row)) : DateADTGetDatum(day_of(key));
		case PART_APP:
			return id_datum(&key->app, isnull);
		case PART_CREDENTIAL:
			return id_datum(&key->credential, isnull);
		case PART_PRODUCT:
			return id_datum(&key->product, isnull);
		case PART_OPERATION:
			return id_datum(&key->operation, isnull);
		case PART_ENVIRONMENT:
			*isnull = key->no_environment;
			return PointerGetDatum(cstring_to_text_with_len(key->environment,
															strnlen(key->environment, METER_ENVIRONMENT_LEN)));
		case PART_CODE:
			return ObjectIdGetDatum(number_of(key->code));
		case PART_CALLS:
			return Int64GetDatum(row->calls);
		case PART_COST:
			return Int64GetDatum(row->cost);
		case PART_UPDATED_AT:
			return TimestampTzGetDatum(written_at);
	}
	pg_unreachable();
}

/* Merges sorted rows whose keys have the same first key_len bytes; returns how many are left. */
size_t
usage_rows_merge(UsageRow *rows, size_t n, size_t key_len)
{
	size_t		last = 0;

	for (size_t i = 1; i < n; i++)
	{
		if (memcmp(&rows[last].key, &rows[i].key, key_len) == 0)
		{
			rows[last].calls = add_counts(rows[last].calls, rows[i].calls);
			rows[last].cost = add_counts(rows[last].cost, rows[i].cost);
		}
		else if (++last != i)
			rows[last] = rows[i];
	}
	return n == 0 ? 0 : last + 1;
}
