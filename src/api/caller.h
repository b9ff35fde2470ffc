/*
 * caller.h
 *		Who sends a request over HTTP.
 */
#ifndef DEVAPP_CALLER_H
#define DEVAPP_CALLER_H

#include "postgres.h"

#include "api/exchange.h"
#include "decide/verdict.h"

/* the products whose keys the API takes, and the scopes of the first */
#define PRODUCT_ADMIN		"devapp-admin"
#define PRODUCT_PORTAL		"devapp-portal"
#define SCOPE_ADMIN			"devapp:admin"
#define SCOPE_READ			"devapp:read"
#define SCOPE_VERIFY		"devapp:verify"

/* what a gateway brings besides the Authorization of its client: its own key, and parameters */
#define FIELD_GATEWAY		"x-devapp-gateway"

extern Verdict caller_verify_pair(Str user, Str password, const DecideRequest *request);
extern void caller_authenticate(Exchange *x);
extern void caller_challenge(Exchange *x, ErrorForm form);

#endif							/* DEVAPP_CALLER_H */
