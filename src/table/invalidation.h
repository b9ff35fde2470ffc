/*
 * invalidation.h
 *		When did something that an entitlement was built from change?
 */
#ifndef DEVAPP_INVALIDATION_H
#define DEVAPP_INVALIDATION_H

#include "postgres.h"

#include "utils/uuid.h"

extern void invalidation_init(void);
extern uint64 invalidation_accept(void);
extern void invalidation_of_everything(void);
extern void invalidation_declare(const pg_uuid_t *id);
extern void invalidation_watch(const pg_uuid_t *id);
extern bool invalidation_of_everything_since(uint64 then);
/* the present moment, as far as this backend has heard */
extern uint64 invalidation_moment;

extern bool invalidation_since(uint64 then, const pg_uuid_t *id);

#endif							/* DEVAPP_INVALIDATION_H */
