/*
 * proxy.h
 *		Requests that nginx and PostgREST pass on.
 */
#ifndef DEVAPP_API_PROXY_H
#define DEVAPP_API_PROXY_H

#include "postgres.h"

#include "utils/jsonb.h"

extern void proxy_define_gucs(void);
extern Jsonb *proxy_request_headers(void);
extern void proxy_set_response(const char *name, const char *value);
extern const char *proxy_response_headers(Jsonb *headers);

#endif							/* DEVAPP_API_PROXY_H */
