/*
 * lease.h
 *		What a standby holds of quotas, in shared memory.
 */
#ifndef DEVAPP_LEASE_H
#define DEVAPP_LEASE_H

#include "postgres.h"

#include "utils/uuid.h"

#include "quota/lease_core.h"

/* that are told and asked for at once */
#define LEASE_BATCH		500

/* What is asked of a lease, and what came of it. */
typedef struct LeaseCall
{
	BucketKey	key;
	uint64		hash;
	int64		limit;
	bool		hard;
	int64		cost;			/* 0: only look */
	QuotaWindow window;			/* by the clock; then the lease's */
	LeaseTake	result;
	int64		room;			/* what the quota has left then, as far as is known; -1: it isn't */
	int64		untold;			/* what was used that the primary does not know */
} LeaseCall;

typedef enum LeaseFound
{
	LEASE_FOUND,
	LEASE_NONE,					/* there is none, and the primary does not answer */
	LEASE_NO_ROOM				/* memory has none */
} LeaseFound;

/* What is told of a lease, and what was answered. */
typedef struct LeaseReport
{
	BucketKey	key;
	QuotaWindow window;
	bool		hard;
	uint64		hash;
	LeaseAsk	ask;
	bool		is_answered;
	LeaseAnswer answer;
} LeaseReport;

/* How it goes, of the current database. */
typedef struct LeaseState
{
	int64		leases;
	int64		left;			/* units, of all of them */
	TimestampTz answered_at;	/* 0: never */
	bool		is_down;		/* the primary did not answer the last time */
	bool		again;			/* some are to be asked for soon */
} LeaseState;

extern void leases_init(int kilobytes);
extern bool leases_are_on(void);
extern LeaseFound leases_take(LeaseCall *call);

/* for the processes that ask the primary */
extern void leases_set_on(bool on);
extern pg_uuid_t leases_server(void);
extern int64 leases_interval(void);
extern int64 leases_clock(void);
extern Oid *leases_databases(int *n);
extern bool leases_stay(void);
extern bool leases_are_attended(Oid database);
extern bool leases_want_launcher(void);
extern LeaseReport *leases_collect(int *n);
extern void leases_apply(const LeaseReport *reports, int n, int64 asked_at);
extern LeaseReport *leases_finish(int *n);
extern void leases_end(void);
extern void leases_forget(Oid database);
extern LeaseState leases_state(void);
extern void leases_leave(void);
extern void leases_set_down(bool down);

#endif							/* DEVAPP_LEASE_H */
