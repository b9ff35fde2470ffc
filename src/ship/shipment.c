/*
 * shipment.c
 *		Counts that come from elsewhere, into the transaction.
 *
 *	take_shipment(counts)	checks them and takes them; how many rows
 *
 * A shipment is what a standby counted (shipper.c), as bytes: a header and rows
 * (shipment_core.c), and the CRC of both.  What is taken belongs to the transaction,
 * as what is taken from shared memory does (taken.c); but if that is rolled
 * back, it is the sender who still has it.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/compat.h"
#include "meter/taken.h"
#include "ship/shipment.h"
#include "ship/shipment_core.h"

PG_FUNCTION_INFO_V1(devapp_take_shipment);

#define OLDEST_DAYS		3660

/* Is the CRC at the end that of what is before it? */
bool
shipment_is_whole(const void *data, Size len)
{
	pg_crc32c	crc;
	pg_crc32c	expected;

	if (len < sizeof(crc))
		return false;
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, len - sizeof(crc));
	FIN_CRC32C(crc);
	memcpy(&expected, (const char *) data + len - sizeof(crc), sizeof(crc));
	return EQ_CRC32C(crc, expected);
}

static Size
check_shipment(const char *data, Size len)
{
	int64		now = GetCurrentTimestamp() / USECS_PER_MINUTE;
	const char *problem;
	size_t		n = 0;

	if (!shipment_is_whole(data, len))
		problem = "it is damaged";
	else
		problem = shipment_check(data, len - sizeof(pg_crc32c),
								 (int32) (now - OLDEST_DAYS * MINUTES_PER_DAY),
								 (int32) (now + MINUTES_PER_DAY), &n);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid shipment of counts: %s", problem),
				 errhint("Standbys send shipments automatically; see the setting devapp.primary_conninfo. Both servers need the same version of devapp and synchronized clocks.")));
	return n;
}

static void
check_environment(const MeterKey *key)
{
	(void) pg_verifymbstr(key->environment,
						  (int) strnlen(key->environment, METER_ENVIRONMENT_LEN), false);
}

Datum
devapp_take_shipment(PG_FUNCTION_ARGS)
{
	bytea	   *counts = PG_GETARG_BYTEA_PP(0);
	const char *data = VARDATA_ANY(counts);
	Size		n = check_shipment(data, VARSIZE_ANY_EXHDR(counts));
	MeterRow   *rows = palloc(sizeof(MeterRow) * Max(n, 1));

	for (Size i = 0; i < n; i++)
	{
		rows[i] = shipment_row(data, i);
		check_environment(&rows[i].key);
		rows[i].key.database = MyDatabaseId;
	}
	taken_add(rows, n);
	pfree(rows);
	PG_RETURN_INT64((int64) n);
}
