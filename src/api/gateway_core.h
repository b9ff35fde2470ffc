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

/* Fields of an answer that a gateway can choose; the others are always sent. */
typedef enum GatewayField
{
	GATEWAY_FIELD_STATUS,
	GATEWAY_FIELD_FAULT,
	GATEWAY_FIELD_APP_ID,
	GATEWAY_FIELD_APP,
	GATEWAY_FIELD_OWNER,
	GATEWAY_FIELD_CREDENTIAL_ID,
	GATEWAY_FIELD_CONSUMER_KEY,
	GATEWAY_FIELD_ENVIRONMENT,
	GATEWAY_FIELD_PRODUCT,
	GATEWAY_FIELD_SCOPES,
	GATEWAY_FIELD_RATELIMIT,	/* RateLimit and RateLimit-Policy */
	GATEWAY_FIELDS				/* how many there are */
} GatewayField;

#define GATEWAY_ALL_FIELDS	((UINT32_C(1) << GATEWAY_FIELDS) - 1)

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
	Str			field_names;	/* of the fields that the answer is to have */
	uint32_t	fields;			/* the same, a bit for each GatewayField; all unless names are given */
	int64_t		cost;
	bool		busy_is_403;	/* limits and failures are answered by 403 as well */
} GatewayOptions;

typedef enum GatewayError
{
	GATEWAY_OK,
	GATEWAY_MALFORMED,
	GATEWAY_UNKNOWN_NAME,
	GATEWAY_TWICE,
	GATEWAY_BAD_VALUE,
	GATEWAY_BAD_FIELD
} GatewayError;

/* Parameters of a query that have one name. */
typedef enum GatewayParameter
{
	GATEWAY_PARAMETER_NONE,
	GATEWAY_PARAMETER_FOUND,
	GATEWAY_PARAMETER_BROKEN	/* there are several, or it is malformed */
} GatewayParameter;

static inline bool
gateway_wants(const GatewayOptions *options, GatewayField field)
{
	return (options->fields & UINT32_C(1) << field) != 0;
}

extern Str	gateway_field_key(Str field);
extern Str	gateway_field_options(Str field);
extern GatewayError gateway_read_options(Str options, char *room, GatewayOptions *out);
extern GatewayParameter gateway_find_parameter(Str query, Str name, char *room, Str *value);
extern bool gateway_value_is_plain(Str value);
extern size_t gateway_encode_value(Str value, char *room);

#endif							/* DEVAPP_GATEWAY_CORE_H */
