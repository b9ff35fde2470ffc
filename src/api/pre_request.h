/*
 * pre_request.h
 *		The key of a request to PostgREST.
 */
#ifndef DEVAPP_PRE_REQUEST_H
#define DEVAPP_PRE_REQUEST_H

extern void pre_request_define_gucs(void);

#endif							/* DEVAPP_PRE_REQUEST_H */
