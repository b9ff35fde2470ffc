/*
 * gateway_core.h
 *		What a gateway says to /auth, and how it is answered.  Needs no backend.
 */
#ifndef DEVAPP_GATEWAY_CORE_H
#define DEVAPP_GATEWAY_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define GATEWAY_COST_MAX	INT64_C(1000000000)

/* The parameters of a question.  data NULL: it was not given; len 0: it was given, and is empty. */
typedef struct GatewayOptions
{
	Str			environment;
	Str			proxy;
	Str			scope;
	Str			audience;
	Str			client;			/* address of whoever calls the gateway */
	Str			header;			/* field that a key may come in; empty: none */
	Str			query;			/* parameter that a key may come in; empty: none */
	int64_t		cost;
	bool		busy_is_403;	/* limits and failures are answered by 403 as well */
} GatewayOptions;

typedef enum GatewayError
{
	GATEWAY_OK,
	GATEWAY_MALFORMED,
	GATEWAY_UNKNOWN_NAME,
	GATEWAY_TWICE,
	GATEWAY_BAD_VALUE
} GatewayError;

/* Parameters of a query that have one name. */
typedef enum GatewayParameter
{
	GATEWAY_PARAMETER_NONE,
	GATEWAY_PARAMETER_FOUND,
	GATEWAY_PARAMETER_BROKEN	/* there are several, or it is malformed */
} GatewayParameter;

extern Str	gateway_field_key(Str field);
extern Str	gateway_field_options(Str field);
extern GatewayError gateway_read_options(Str options, char *room, GatewayOptions *out);
extern GatewayParameter gateway_find_parameter(Str query, Str name, char *room, Str *value);
extern bool gateway_value_is_plain(Str value);
extern size_t gateway_encode_value(Str value, char *room);

#endif							/* DEVAPP_GATEWAY_CORE_H */
