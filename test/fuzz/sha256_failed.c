/*
 * sha256_failed.c
 *		What a fuzz target does when SHA-256 could not be calculated.
 */
#include "base/sha256_core.h"
#include "fuzz.h"

void
sha256_failed(void)
{
	CHECK(false);
}
