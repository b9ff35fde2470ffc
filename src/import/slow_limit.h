/*
 * slow_limit.h
 *		How many slow hashes are computed, and how often a client may fail.
 */
#ifndef DEVAPP_SLOW_LIMIT_H
#define DEVAPP_SLOW_LIMIT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

extern bool slow_limit_enter(const pg_uuid_t *credential_id, TimestampTz now, int64 *wait);
extern void slow_limit_leave(const pg_uuid_t *credential_id, bool failed);
extern void slow_limit_define_gucs(void);

#endif							/* DEVAPP_SLOW_LIMIT_H */
