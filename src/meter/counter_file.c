/*
 * counter_file.c
 *		Files of counters.
 *
 * The rows are written as they lie in memory; the header says of which build, and a CRC
 * at the end whether the file is whole.  The room ship says which files there are, and
 * reads them.
 */
#include "postgres.h"

#include <unistd.h>

#include "port/pg_crc32c.h"
#include "storage/fd.h"

#include "base/compat.h"
#include "meter/counter_file.h"

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
