/*
 * meter.h
 *		Counters in shared memory.
 */
#ifndef DEVAPP_METER_H
#define DEVAPP_METER_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "meter_core.h"
#include "verdict.h"

#define METER_ERROR_LEN		256

/* How flushing goes, of one database. */
typedef struct MeterStatus
{
	TimestampTz last_flush_at;	/* 0: never */
	int64		last_rows;
	int64		last_microseconds;
	int64		flushes;
	int64		errors;
	TimestampTz last_error_at;
	char		last_error[METER_ERROR_LEN];
	uint64		dropped;		/* calls that found the table full */
	uint64		not_limited;	/* calls that found the table of quotas full */
	uint64		slots_used;		/* these two of all databases */
	uint64		slots_total;
	int			worker_pid;		/* 0: none */
} MeterStatus;

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
extern void meter_report_flush(int64 rows, int64 microseconds);
extern void meter_report_error(Oid database, const char *message);
extern void meter_set_worker(int pid);
extern MeterStatus meter_status(void);

/* meter_file.c */
extern void meter_save(void);
extern void meter_load(void);

/* count.c */
extern void count_prepare(MeterKey *key, const Verdict *verdict, TimestampTz now);
extern void count_call(MeterKey *key, VerdictCode code, int32 cost, TimestampTz now);
extern void count_verdict(const Verdict *verdict, TimestampTz now);

/* worker.c */
extern void worker_register(void);

#endif							/* DEVAPP_METER_H */
