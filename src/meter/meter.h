/*
 * meter.h
 *		Counters in shared memory.
 */
#ifndef DEVAPP_METER_H
#define DEVAPP_METER_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "port/pg_crc32c.h"

#include "decide/verdict.h"
#include "meter/meter_core.h"

#define METER_ERROR_LEN		256
#define METER_TMP_SUFFIX	".tmp"	/* of a file that is being written */

/* What a process does in a database. */
typedef enum MeterJob
{
	JOB_FLUSH,
	JOB_HOUSEKEEPING
} MeterJob;

/* What went wrong with it. */
typedef struct MeterErrors
{
	int64		count;
	TimestampTz last_at;		/* 0: never */
	TimestampTz logged_at;
	char		last[METER_ERROR_LEN];
} MeterErrors;

/* How it goes, of one database. */
typedef struct MeterStatus
{
	TimestampTz last_flush_at;	/* 0: never */
	int64		last_rows;
	int64		last_microseconds;
	int64		flushes;
	TimestampTz last_housekeeping_at;	/* the last without an error; 0: never */
	MeterErrors errors[JOB_HOUSEKEEPING + 1];
	uint64		dropped;		/* calls that found the table full */
	uint64		not_limited;	/* calls that found the table of quotas full */
	uint64		slots_used;		/* these two of all databases */
	uint64		slots_total;
	int			worker_pid;		/* 0: none */
} MeterStatus;

/* A file of counters that is being written. */
typedef struct MeterWriter
{
	FILE	   *file;
	pg_crc32c	crc;
	bool		ok;
	char		path[MAXPGPATH];
	char		tmp_path[MAXPGPATH];
} MeterWriter;

/* meter.c */
extern void meter_init(void);
extern bool meter_is_on(void);
extern void meter_require(void);
extern void meter_add_not_limited(void);
extern void meter_add(const MeterKey *key, const MeterValue *value);
extern int	meter_partitions(void);
extern uint32 meter_partition_limit(void);
extern uint32 meter_take_partition(int number, Oid database, MeterRow *rows);
extern void meter_begin_take(Oid database);
extern uint64 meter_discard(Oid database);
extern Oid *meter_pending(int *n);
extern void meter_forget_database(Oid database);
extern void meter_set_unfinished(bool unfinished);
extern void meter_mark_unfinished(Oid database);
extern bool meter_is_unfinished(Oid database);
extern void meter_mark_pending(void);
extern void meter_report_flush(int64 rows, int64 microseconds);
extern void meter_set_installed(bool installed);
extern Oid	meter_next_to_keep(int seconds);
extern void meter_report_housekeeping(void);
extern bool meter_report_error(Oid database, MeterJob job, const char *message);
extern void meter_set_worker(int pid);
extern MeterStatus meter_status(void);

/* meter_batch.c */
extern void meter_add_batch(const MeterRow *rows, Size n);

/* meter_file.c */
extern void meter_writer_open(MeterWriter *writer, const char *path);
extern void meter_writer_rows(MeterWriter *writer, const MeterRow *rows, Size n);
extern bool meter_writer_close(MeterWriter *writer);
extern void meter_save(void);
extern void meter_load(void);

/* count.c */
extern void count_prepare(MeterKey *key, const Verdict *verdict, TimestampTz now);
extern void count_call(MeterKey *key, VerdictCode code, int32 cost, TimestampTz now);
extern void count_verdict(const Verdict *verdict, TimestampTz now);

#endif							/* DEVAPP_METER_H */
