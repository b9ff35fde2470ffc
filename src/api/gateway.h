/*
 * gateway.h
 *		Questions of gateways over HTTP.
 */
#ifndef DEVAPP_GATEWAY_H
#define DEVAPP_GATEWAY_H

#include "postgres.h"

#include "api/exchange.h"

extern void gateway_set_field(Exchange *x, const char *name, Str value);

#endif							/* DEVAPP_GATEWAY_H */
