/*
 * spool.h
 *		Files with counts that are on their way to a table.
 */
#ifndef DEVAPP_SPOOL_H
#define DEVAPP_SPOOL_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/uuid.h"

#include "meter/meter_core.h"

extern void spool_init(void);
extern bool spool_put(Oid database, const MeterRow *rows, Size n);
extern List *spool_files(Oid database);
extern bytea *spool_read(const char *file, pg_uuid_t *shipment_id);
extern void spool_remove(const char *file);
extern void spool_discard(Oid database);
extern void spool_find(void);

#endif							/* DEVAPP_SPOOL_H */
