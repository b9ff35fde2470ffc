/*
 * identity.c
 *		Stand-in until the identity of main is merged.
 */
#include "postgres.h"

#include "identity.h"

const char *
identity_actor(void)
{
	return NULL;
}
