/*
 * heartbeat.h
 *		How a standby hears of its primary.
 */
#ifndef DEVAPP_HEARTBEAT_H
#define DEVAPP_HEARTBEAT_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* milliseconds; 0: off (standby.c) */
extern int	devapp_max_staleness;

extern void heartbeat_init(void);
extern bool heartbeat_is_on(void);

/* for the launcher */
extern long heartbeat_tick(void);
extern void heartbeat_stop(void);

/* for everybody on a standby; 0: it is not known to have been told anything */
extern TimestampTz heartbeat_told_at(void);

#endif							/* DEVAPP_HEARTBEAT_H */
