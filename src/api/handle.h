/*
 * handle.h
 *		From a request over HTTP to its answer.
 */
#ifndef DEVAPP_HANDLE_H
#define DEVAPP_HANDLE_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "api/exchange.h"

typedef struct HttpAnswer
{
	int			status;
	Jsonb	   *headers;
	Str			body;			/* in the encoding of the database; data NULL: none */
} HttpAnswer;

extern HttpAnswer handle_request(const RawRequest *raw);
extern bytea *handle_body(const HttpAnswer *answer);

#endif							/* DEVAPP_HANDLE_H */
