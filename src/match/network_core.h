/*
 * network_core.h
 *		Networks, and addresses in them.  Needs no backend.
 *
 * An IPv4 address counts as the IPv6 address ::ffff:a.b.c.d that it is mapped to
 * (RFC 4291, section 2.5.5.2), since a server that listens on both families sees it as
 * that one.
 */
#ifndef DEVAPP_NETWORK_CORE_H
#define DEVAPP_NETWORK_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETWORK_BYTES		16
#define NETWORK_V4_BYTES	4
#define NETWORK_V4_PREFIX	96	/* bits before a mapped address */

/* A single address has all 128 bits. */
typedef struct Network
{
	uint8_t		address[NETWORK_BYTES];
	int			bits;
} Network;

typedef struct NetworkList
{
	int			count;
	Network    *items;
} NetworkList;

extern Network network_from_v4(const uint8_t *address, int bits);
extern Network network_from_v6(const uint8_t *address, int bits);
extern bool network_contains(const Network *outer, const Network *inner);
extern bool networks_contain(const NetworkList *list, const Network *inner);

#endif							/* DEVAPP_NETWORK_CORE_H */
