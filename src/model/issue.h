/*
 * issue.h
 *		Making secrets for credentials.
 */
#ifndef DEVAPP_ISSUE_H
#define DEVAPP_ISSUE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "base/str.h"

/* A secret in plain text, which issue.c wipes. */
typedef struct Secret
{
	char	   *bytes;
	size_t		len;
	const char *kid;			/* the key that signed it; NULL: it is no token */
} Secret;

/*
 * Makes a token for the credential of this consumer key that works until then.  Tokens are
 * of a room that may include this one, so it says so when the library is loaded.
 */
typedef Secret (*TokenMaker) (Str consumer, TimestampTz expires_at);

extern void issue_set_token_maker(TokenMaker maker);

#endif							/* DEVAPP_ISSUE_H */
