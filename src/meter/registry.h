/*
 * registry.h
 *		The databases of the server: where there is something to do, and how it goes.
 */
#ifndef DEVAPP_REGISTRY_H
#define DEVAPP_REGISTRY_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define REGISTRY_ERROR_LEN	256

/* What a process does in a database. */
typedef enum RegistryJob
{
	JOB_FLUSH,
	JOB_HOUSEKEEPING,
	JOB_LEASE					/* on a standby: asking for leases of quotas */
} RegistryJob;

/* What went wrong with it. */
typedef struct RegistryErrors
{
	int64		count;
	TimestampTz last_at;		/* 0: never */
	TimestampTz logged_at;
	char		last[REGISTRY_ERROR_LEN];
} RegistryErrors;

/* How it goes, of one database. */
typedef struct RegistryState
{
	TimestampTz last_flush_at;	/* 0: never */
	int64		last_rows;
	int64		last_microseconds;
	int64		flushes;
	TimestampTz last_housekeeping_at;	/* the last without an error; 0: never */
	RegistryErrors errors[JOB_LEASE + 1];
	uint64		dropped;		/* calls that found the table full */
	uint64		no_room;		/* calls that were refused because the table of quotas was full */
	int			launcher_pid;		/* 0: none */
} RegistryState;

extern void registry_init(void);
extern RegistryState registry_state(void);
extern void registry_set_launcher(int pid);
extern int	registry_launcher(void);

/* of any database */
extern bool registry_enter(Oid database);
extern void registry_forget(Oid database);
extern Oid *registry_pending(int *n);
extern void registry_mark_pending(Oid database);
extern void registry_begin_take(Oid database);
extern void registry_mark_unfinished(Oid database);
extern bool registry_is_unfinished(Oid database);
extern Oid	registry_next_to_keep(int seconds);
extern void registry_count_dropped(Oid database, uint64 count);
extern bool registry_report_error(Oid database, RegistryJob job, const char *message);

/* of the current one */
extern void registry_set_unfinished(bool unfinished);
extern void registry_set_installed(bool installed);
extern void registry_count_no_room(void);
extern void registry_set_written(TimestampTz until);
extern TimestampTz registry_written_until(void);
extern void registry_report_flush(int64 rows, int64 microseconds);
extern void registry_report_housekeeping(void);

#endif							/* DEVAPP_REGISTRY_H */
