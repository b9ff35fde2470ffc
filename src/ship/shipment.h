/*
 * shipment.h
 *		Counts on their way from a standby to its primary.
 */
#ifndef DEVAPP_SHIPMENT_H
#define DEVAPP_SHIPMENT_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/uuid.h"

#include "meter/meter_core.h"

/* shipment.c */
extern bool shipment_is_whole(const void *data, Size len);

/* outbox.c */
extern bool outbox_put(Oid database, const MeterRow *rows, Size n);
extern List *outbox_files(Oid database);
extern bytea *outbox_read(const char *file, pg_uuid_t *batch_id);
extern void outbox_remove(const char *file);
extern void outbox_discard(Oid database);
extern void outbox_find(void);

#endif							/* DEVAPP_SHIPMENT_H */
