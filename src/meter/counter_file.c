/*
 * counter_file.c
 *		Files of counters; counts outlive an orderly end of the server in one.
 *
 * When the server is shut down, all its processes are told to end at once, and some
 * may count after the worker's last flush; on a standby nothing can be flushed.  So
 * the postmaster writes down what is left as its last act, and reads it as one of
 * its first.  The file is removed when it has been read: after a crash there is none,
 * and nothing is counted twice.
 *
 * The rows are written as they lie in memory; the header says of which build.  A file
 * that is not whole is left out with a message.  Both run in the postmaster alone, so
 * no locks are waited for.
 */
#include "postgres.h"

#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "storage/ipc.h"

#include "base/compat.h"
#include "meter/counter_file.h"
#include "meter/meter.h"

#define METER_FILE	PGSTAT_STAT_PERMANENT_DIRECTORY "/devapp_meter.stat"

/* ---------- writing ---------- */

static void
write_bytes(MeterWriter *writer, const void *data, Size size)
{
	COMP_CRC32C(writer->crc, data, size);
	if (writer->ok)
		writer->ok = fwrite(data, 1, size, writer->file) == size;
}

/*
 * Begin a file of counters.  What goes wrong is remembered, and told at the end:
 * nothing here throws an error.
 */
void
meter_writer_open(MeterWriter *writer, const char *path)
{
	MeterHeader header = {METER_MAGIC, sizeof(MeterRow)};

	strlcpy(writer->path, path, MAXPGPATH);
	snprintf(writer->tmp_path, MAXPGPATH, "%s" METER_TMP_SUFFIX, writer->path);
	writer->file = AllocateFile(writer->tmp_path, PG_BINARY_W);
	writer->ok = writer->file != NULL;
	INIT_CRC32C(writer->crc);
	write_bytes(writer, &header, sizeof(header));
}

void
meter_writer_rows(MeterWriter *writer, const MeterRow *rows, Size n)
{
	write_bytes(writer, rows, sizeof(MeterRow) * n);
}

/* Is it written, and there to stay?  If not, errno says why, and there is none. */
bool
meter_writer_close(MeterWriter *writer)
{
	pg_crc32c	crc = writer->crc;
	int			reason;

	FIN_CRC32C(crc);
	if (writer->ok)
		writer->ok = fwrite(&crc, sizeof(crc), 1, writer->file) == 1;
	reason = errno;
	if (writer->file != NULL && FreeFile(writer->file) != 0 && writer->ok)
	{
		writer->ok = false;
		reason = errno;
	}
	if (writer->ok && durable_rename(writer->tmp_path, writer->path, LOG) == 0)
		return true;
	if (writer->ok)
		reason = errno;
	/* it may have been renamed, and only that is not durable */
	if (writer->ok)
		unlink(writer->path);
	unlink(writer->tmp_path);
	errno = reason;
	return false;
}

/* Write down all that is counted and not flushed. */
static void
save_counts(void)
{
	MeterRow   *rows = malloc(sizeof(MeterRow) * meter_stripe_limit());
	MeterWriter writer;
	bool		ok = rows != NULL;

	if (ok)
	{
		meter_writer_open(&writer, METER_FILE);
		for (int i = 0; i < meter_stripes(); i++)
			meter_writer_rows(&writer, rows, meter_take_stripe(i, InvalidOid, rows));
		ok = meter_writer_close(&writer);
	}
	if (!ok)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", METER_FILE),
				 errdetail("Calls that were counted since the last flush are lost.")));
	free(rows);
}

/* ---------- reading ---------- */

/* Is the file whole?  Then it stands at its first row, and there are n of them. */
static bool
check_file(FILE *file, long *n)
{
	MeterHeader header;
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
static void
load_counts(void)
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

/* ---------- at server start and end ---------- */

static shmem_startup_hook_type previous_startup_hook = NULL;

/* An orderly end of the server, after all its processes have ended. */
static void
save_at_exit(int code, Datum arg)
{
	if (code == 0 && meter_is_on())
		save_counts();
}

/* The table of counters is there: its hook was set before this one. */
static void
start_counting(void)
{
	if (previous_startup_hook)
		previous_startup_hook();
	if (!IsUnderPostmaster)
	{
		on_shmem_exit(save_at_exit, (Datum) 0);
		load_counts();
	}
}

/* Called by _PG_init() in the postmaster, after meter_init(). */
void
counter_file_init(void)
{
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_counting;
}
