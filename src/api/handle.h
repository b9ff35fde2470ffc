/*
 * handle.h
 *		From a request over HTTP to its answer.
 */
#ifndef DEVAPP_HANDLE_H
#define DEVAPP_HANDLE_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/extensible.h"
#include "utils/jsonb.h"

#include "api/exchange.h"

typedef struct HttpAnswer
{
	int			status;
	Jsonb	   *headers;
	Str			body;			/* in the encoding of the database; data NULL: none */
} HttpAnswer;

/*
 * What the function of a route gets as its context if it is written in C: the request as it came,
 * and where its answer goes.  Its argument is null.
 */
typedef struct RouteCall
{
	ExtensibleNode node;
	Exchange   *exchange;
	HttpAnswer	answer;			/* without headers: these are fields of the exchange */
} RouteCall;

/* Reads what an adapter hands over; a request that it refuses is an error. */
typedef void (*RequestReader) (FunctionCallInfo fcinfo, RawRequest *raw);

extern RouteCall *route_call_of(FunctionCallInfo fcinfo);
extern HttpAnswer handle_request(RequestReader reader, FunctionCallInfo fcinfo);
extern bytea *handle_body(const HttpAnswer *answer);

#endif							/* DEVAPP_HANDLE_H */
