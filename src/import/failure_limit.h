/*
 * failure_limit.h
 *		How often somebody may fail.
 */
#ifndef DEVAPP_FAILURE_LIMIT_H
#define DEVAPP_FAILURE_LIMIT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef enum FailureKind
{
	FAILURE_SLOW_HASH,			/* of a client: its secret was not the one of a slow hash */
	FAILURE_LEAK_REPORT			/* of a role: what it reported as leaked is no secret of ours */
} FailureKind;

#define FAILURE_KINDS	(FAILURE_LEAK_REPORT + 1)

extern int64 failure_limit_wait(FailureKind kind, const pg_uuid_t *whose, TimestampTz now);
extern void failure_limit_count(FailureKind kind, const pg_uuid_t *whose, TimestampTz now);
extern void failure_limit_forgive(FailureKind kind, const pg_uuid_t *whose);
extern void failure_limit_init(void);

#endif							/* DEVAPP_FAILURE_LIMIT_H */
