/*
 * gateway.h
 *		Questions of gateways over HTTP.
 */
#ifndef DEVAPP_GATEWAY_H
#define DEVAPP_GATEWAY_H

#include "postgres.h"

#include "api/exchange.h"
#include "decide/verdict.h"

extern void gateway_set_limit_fields(Exchange *x, const VerdictLimits *limits, bool wants_quota);

#endif							/* DEVAPP_GATEWAY_H */
