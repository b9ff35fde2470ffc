/*
 * meter.h
 *		Counters in shared memory.
 */
#ifndef DEVAPP_METER_H
#define DEVAPP_METER_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "meter/meter_core.h"

#define METER_ERROR_LEN		256

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

extern bool devapp_metering;
extern int	devapp_flush_interval;	/* s; 0: never */
extern int	devapp_retention_day;	/* minutes; 0: for ever */

extern void meter_define_gucs(void);
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

#endif							/* DEVAPP_METER_H */
