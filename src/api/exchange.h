/*
 * exchange.h
 *		A request over HTTP, and the header fields of its answer.
 */
#ifndef DEVAPP_EXCHANGE_H
#define DEVAPP_EXCHANGE_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/extensible.h"
#include "utils/jsonb.h"

#include "api/http_core.h"
#include "api/route.h"
#include "base/compat.h"
#include "base/entry.h"
#include "base/json_object.h"

/*
 * Fields with a colon before their names come from the adapter: no client can send them.
 */
#define FIELD_CLIENT	":client"	/* address of the client */
#define FIELD_BASE		":base"		/* what URLs begin with */

/* What an adapter hands over; data NULL: nothing. */
typedef struct RawRequest
{
	Str			method;
	Str			path;
	Str			query;
	Jsonb	   *headers;		/* NULL: none */
	Str			body;
} RawRequest;

typedef struct Exchange
{
	RawRequest	raw;
	bool		is_head;
	Jsonb	   *headers;		/* names in lower case */
	HttpAuthorization authorization;
	Str			base_url;		/* len 0: it is not known */
	NullableDatum client;		/* an inet */
	RouteFound	found;
	EntryCaller *caller;		/* whom it is served for */
	JsonObjectMaker fields;		/* of the answer, whatever it is */
} Exchange;

typedef struct HttpAnswer
{
	int			status;
	Jsonb	   *headers;
	Str			body;			/* of a function in the encoding of the database, then in UTF-8; data NULL: none */
} HttpAnswer;

#define ROUTE_CALL_NAME	"devapp route call"

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

extern RouteCall *route_call_of(FunctionCallInfo fcinfo);
extern compat_noreturn void exchange_refuse(int status, const char *message);
extern void exchange_read_head(Exchange *x);
extern Str	exchange_header(const Exchange *x, const char *name);
extern void exchange_set_field(Exchange *x, const char *name, const char *value);
extern void exchange_set_value(Exchange *x, const char *name, Str value);
extern bool exchange_has_field(const Exchange *x, const char *name);
extern Datum exchange_request(Exchange *x);

#endif							/* DEVAPP_EXCHANGE_H */
