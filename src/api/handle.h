/*
 * handle.h
 *		From a request over HTTP to its answer.
 */
#ifndef DEVAPP_HANDLE_H
#define DEVAPP_HANDLE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"

#include "api/exchange.h"

/* Reads what an adapter hands over; a request that it refuses is an error. */
typedef void (*RequestReader) (FunctionCallInfo fcinfo, RawRequest *raw);

extern HttpAnswer handle_request(RequestReader reader, FunctionCallInfo fcinfo);
extern bytea *handle_body(const HttpAnswer *answer);

#endif							/* DEVAPP_HANDLE_H */
