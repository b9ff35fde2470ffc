/*
 * dpop.h
 *		Proofs of possession: each is good once.
 */
#ifndef DEVAPP_DPOP_H
#define DEVAPP_DPOP_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "base/str.h"

/*
 * Is this a proof (DPoP) for the call, by the key that the token is bound to, and was it
 * not used before?  From now on it was.  False where there is no shared memory to remember
 * it, or no room.  data NULL, of any of the strings: it is not known, so there is no proof.
 */
extern bool dpop_proof_is_good(Str proof, Str token, Str method, Str resource,
							   const uint8 *jkt, TimestampTz now);

/*
 * The same where no token, or none yet, is bound to the key of the proof: which key is it?
 * token: data NULL where there is none.
 */
extern bool dpop_proof_thumbprint(Str proof, Str token, Str method, Str resource,
								  uint8 *thumbprint, TimestampTz now);

/* Is this the thumbprint of a certificate, as base64url (x5t#S256)? */
extern bool dpop_certificate_is(Str thumbprint, const uint8 *x5t);

extern void dpop_init(void);
extern void dpop_define_gucs(void);

#endif							/* DEVAPP_DPOP_H */
