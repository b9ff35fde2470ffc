/*
 * verify.h
 *		Verifying keys and clients.
 */
#ifndef DEVAPP_VERIFY_H
#define DEVAPP_VERIFY_H

#include "postgres.h"

#include "decide/verdict.h"

extern Verdict verify_api_key(Str key, const DecideRequest *request);
extern Verdict verify_client(Str client_id, Str client_secret, const DecideRequest *request);

#endif							/* DEVAPP_VERIFY_H */
