/*
 * sender.h
 *		A connection from a standby to its primary, and what is sent by it.
 */
#ifndef DEVAPP_SENDER_H
#define DEVAPP_SENDER_H

#include "postgres.h"

#include "libpq-fe.h"
#include "utils/uuid.h"

extern char *devapp_primary_conninfo;	/* may hold a password */

extern void sender_define_gucs(void);

/* all of these end with an error if the primary does not answer in time */
extern PGconn *sender_start(void);
extern void sender_finish_connecting(PGconn *conn);
extern void sender_send(PGconn *conn, const pg_uuid_t *shipment_id, const bytea *counts);
extern PGresult *sender_ask(PGconn *conn, const char *const arguments[4]);

#endif							/* DEVAPP_SENDER_H */
