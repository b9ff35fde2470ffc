/*
 * meter_file.c
 *		Counts outlive an orderly end of the server in a file.
 *
 * When the server is shut down, all its processes are told to end at once, and some
 * may count after the worker's last flush; on a standby nothing can be flushed.  So
 * the postmaster writes down what is left as its last act, and reads it as one of
 * its first.  The file is removed when it has been read: after a crash there is none,
 * and nothing is counted twice.
 *
 * The rows are written as they lie in memory; the header says of which build.  A file
 * that is not whole is left out with a message.  Runs in the postmaster alone, so
 * no locks are waited for.
 */
#include "postgres.h"

#include <unistd.h>

#include "pgstat.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"

#include "compat.h"
#include "meter.h"

#define METER_FILE	PGSTAT_STAT_PERMANENT_DIRECTORY "/devapp_meter.stat"
#define METER_MAGIC	0x44564d31		/* changes with the layout of rows */

typedef struct MeterFileHeader
{
	uint32		magic;
	uint32		row_size;
} MeterFileHeader;

/* ---------- writing ---------- */

static bool
write_bytes(FILE *file, const void *data, Size size, pg_crc32c *crc)
{
	COMP_CRC32C(*crc, data, size);
	return fwrite(data, 1, size, file) == size;
}

static bool
write_rows(FILE *file)
{
	MeterFileHeader header = {METER_MAGIC, sizeof(MeterRow)};
	MeterRow   *rows = malloc(sizeof(MeterRow) * meter_partition_limit());
	pg_crc32c	crc;
	bool		ok;

	if (rows == NULL)
		return false;
	INIT_CRC32C(crc);
	ok = write_bytes(file, &header, sizeof(header), &crc);
	for (int i = 0; ok && i < meter_partitions(); i++)
	{
		uint32		n = meter_take_partition(i, InvalidOid, rows);

		ok = write_bytes(file, rows, sizeof(MeterRow) * n, &crc);
	}
	free(rows);
	FIN_CRC32C(crc);
	return ok && fwrite(&crc, sizeof(crc), 1, file) == 1;
}

/* Write down all that is counted and not flushed. */
void
meter_save(void)
{
	FILE	   *file = AllocateFile(METER_FILE ".tmp", PG_BINARY_W);
	bool		ok = file != NULL && write_rows(file);

	if (file != NULL && FreeFile(file) != 0)
		ok = false;
	if (!ok)
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", METER_FILE ".tmp"),
				 errdetail("Calls that were counted since the last flush are lost.")));
		unlink(METER_FILE ".tmp");
		return;
	}
	(void) durable_rename(METER_FILE ".tmp", METER_FILE, LOG);
}

/* ---------- reading ---------- */

/* Is the file whole?  Then it stands at its first row, and there are n of them. */
static bool
check_file(FILE *file, long *n)
{
	MeterFileHeader header;
	char		buffer[8192];
	pg_crc32c	crc;
	pg_crc32c	expected;
	long		rest;

	if (fseek(file, 0, SEEK_END) != 0)
		return false;
	rest = ftell(file) - (long) (sizeof(header) + sizeof(crc));
	rewind(file);
	if (rest < 0 || rest % (long) sizeof(MeterRow) != 0 ||
		fread(&header, sizeof(header), 1, file) != 1 ||
		header.magic != METER_MAGIC || header.row_size != sizeof(MeterRow))
		return false;
	*n = rest / (long) sizeof(MeterRow);
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, &header, sizeof(header));
	while (rest > 0)
	{
		size_t		part = Min((size_t) rest, sizeof(buffer));

		if (fread(buffer, 1, part, file) != part)
			return false;
		COMP_CRC32C(crc, buffer, part);
		rest -= (long) part;
	}
	FIN_CRC32C(crc);
	return fread(&expected, sizeof(expected), 1, file) == 1 &&
		EQ_CRC32C(crc, expected) &&
		fseek(file, sizeof(header), SEEK_SET) == 0;
}

/* Count what an orderly end left; the file is gone afterwards. */
void
meter_load(void)
{
	FILE	   *file = AllocateFile(METER_FILE, PG_BINARY_R);
	MeterRow	row;
	long		n = 0;

	if (file == NULL)
		return;
	if (!check_file(file, &n))
		ereport(LOG,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("file \"%s\" is not a file of counters, or damaged", METER_FILE),
				 errdetail("Calls that were counted before the last shutdown are lost.")));
	while (n-- > 0 && fread(&row, sizeof(row), 1, file) == 1)
		meter_add(&row.key, &row.value);
	FreeFile(file);
	durable_unlink(METER_FILE, LOG);
}
