/*
 * assertion.h
 *		Clients that prove themselves by a signature (private_key_jwt, RFC 7523).
 */
#ifndef DEVAPP_ASSERTION_H
#define DEVAPP_ASSERTION_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "base/str.h"

/*
 * Did the client sign this for us, and is it used for the first time?  NULL: yes, and from
 * now on it is used.  Else why not, for the eyes of administrators.  Writes a row.
 */
extern const char *assertion_problem(Str assertion, const pg_uuid_t *credential_id, Str client_id,
									 TimestampTz now);

#endif							/* DEVAPP_ASSERTION_H */
