/*
 * lock_row.h
 *		Locks rows of the model, as SELECT ... FOR UPDATE does.
 */
#ifndef DEVAPP_LOCK_ROW_H
#define DEVAPP_LOCK_ROW_H

#include "postgres.h"

#include "utils/uuid.h"

extern void lock_app_row(const pg_uuid_t *app_id);

#endif							/* DEVAPP_LOCK_ROW_H */
