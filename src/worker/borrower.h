/*
 * borrower.h
 *		Asking the primary for leases of quotas.
 */
#ifndef DEVAPP_BORROWER_H
#define DEVAPP_BORROWER_H

#include "postgres.h"

#include "libpq-fe.h"

extern bool borrower_ask(PGconn *conn);

#endif							/* DEVAPP_BORROWER_H */
