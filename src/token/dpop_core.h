/*
 * dpop_core.h
 *		Proofs of possession (DPoP, RFC 9449).  Needs no backend.
 */
#ifndef DEVAPP_DPOP_CORE_H
#define DEVAPP_DPOP_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define DPOP_WINDOW_SECONDS	60	/* that a proof may be old, or ahead */
#define DPOP_DIGEST_LEN		32

/* The call that a proof must be for. */
typedef struct DpopCall
{
	Str			token;			/* the access token, as it was presented; data NULL: none yet */
	Str			method;
	Str			resource;		/* path or URI of the request; a query is left out */
	Str			origins;		/* "https://a.example, https://b.example"; empty: any */
	const uint8_t *jkt;			/* thumbprint of the key that the token is bound to; NULL: any */
	int64_t		now;			/* microseconds since 1970 */
} DpopCall;

/* What has to be remembered of a proof, so that it is good once only. */
typedef struct DpopSeen
{
	uint8_t		digest[DPOP_DIGEST_LEN];	/* of its key and its jti */
	uint8_t		jkt[DPOP_DIGEST_LEN];	/* thumbprint of its key */
	int64_t		until;			/* after it the proof is too old; microseconds since 1970 */
} DpopSeen;

extern bool dpop_check(Str proof, const DpopCall *call, DpopSeen *seen);
extern bool dpop_uri_is_for(Str uri, Str resource, Str origins);
extern bool dpop_origins_are_valid(Str origins);

#endif							/* DEVAPP_DPOP_CORE_H */
