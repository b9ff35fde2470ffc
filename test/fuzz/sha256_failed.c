/*
 * sha256_failed.c
 *		What a program without a server does when SHA-256 could not be calculated.
 */
#include "base/sha256_core.h"
#include "fuzz.h"

void
sha256_failed(void)
{
	CHECK(false);
}
