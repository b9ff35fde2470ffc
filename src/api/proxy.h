/*
 * proxy.h
 *		Requests that nginx and PostgREST pass on.
 */
#ifndef DEVAPP_API_PROXY_H
#define DEVAPP_API_PROXY_H

extern void proxy_define_gucs(void);

#endif							/* DEVAPP_API_PROXY_H */
