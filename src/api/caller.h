/*
 * caller.h
 *		Who sends a request over HTTP.
 */
#ifndef DEVAPP_CALLER_H
#define DEVAPP_CALLER_H

#include "postgres.h"

#include "api/exchange.h"

/* the products whose keys the API takes, and the scopes of the first */
#define PRODUCT_ADMIN		"devapp-admin"
#define PRODUCT_PORTAL		"devapp-portal"
#define SCOPE_ADMIN			"devapp:admin"
#define SCOPE_READ			"devapp:read"
#define SCOPE_VERIFY		"devapp:verify"

extern void caller_authenticate(Exchange *x);
extern void caller_challenge(Exchange *x, ErrorForm form);

#endif							/* DEVAPP_CALLER_H */
