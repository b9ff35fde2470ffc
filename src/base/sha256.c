/*
 * sha256.c
 *		What the backend does when SHA-256 could not be calculated.
 */
#include "postgres.h"

#include "base/sha256_core.h"

/* An error of one statement: abort() would end every session of the server. */
void
sha256_failed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("could not calculate SHA-256")));
}
