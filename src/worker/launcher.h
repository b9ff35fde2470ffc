/*
 * worker.h
 *		The background processes of devapp.
 */
#ifndef DEVAPP_WORKER_H
#define DEVAPP_WORKER_H

#include "postgres.h"

#include "utils/timestamp.h"

static inline TimestampTz
seconds_from_now(int seconds)
{
	return GetCurrentTimestamp() + seconds * USECS_PER_SEC;
}

/* worker.c */
extern void worker_register(void);

/* flusher.c */
extern void worker_connect(Oid database, const char *application_name);
extern bool worker_extension_is_here(void);

#endif							/* DEVAPP_WORKER_H */
