/*
 * counter_file.h
 *		Files of counters.
 */
#ifndef DEVAPP_COUNTER_FILE_H
#define DEVAPP_COUNTER_FILE_H

#include "postgres.h"

#include "port/pg_crc32c.h"

#include "meter/meter_core.h"

#define METER_TMP_SUFFIX	".tmp"	/* of a file that is being written */

/* A file of counters that is being written. */
typedef struct MeterWriter
{
	FILE	   *file;
	pg_crc32c	crc;
	bool		ok;
	char		path[MAXPGPATH];
	char		tmp_path[MAXPGPATH];
} MeterWriter;

extern void meter_writer_open(MeterWriter *writer, const char *path);
extern void meter_writer_rows(MeterWriter *writer, const MeterRow *rows, Size n);
extern bool meter_writer_close(MeterWriter *writer);

#endif							/* DEVAPP_COUNTER_FILE_H */
