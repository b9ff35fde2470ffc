/*
 * network_core.c
 *		Networks, and addresses in them.  Needs no backend.
 */
#include "match/network_core.h"

#include <string.h>

Network
network_from_v4(const uint8_t *address, int bits)
{
	Network		network = {.bits = NETWORK_V4_PREFIX + bits};
	size_t		mapped = NETWORK_BYTES - NETWORK_V4_BYTES;

	network.address[mapped - 1] = 0xff;
	network.address[mapped - 2] = 0xff;
	memcpy(network.address + mapped, address, NETWORK_V4_BYTES);
	return network;
}

Network
network_from_v6(const uint8_t *address, int bits)
{
	Network		network = {.bits = bits};

	memcpy(network.address, address, NETWORK_BYTES);
	return network;
}

/* Is all of one network in another? */
bool
network_contains(const Network *outer, const Network *inner)
{
	int			bytes = outer->bits / 8;
	int			rest = outer->bits % 8;

	if (inner->bits < outer->bits ||
		memcmp(outer->address, inner->address, (size_t) bytes) != 0)
		return false;
	return rest == 0 ||
		(outer->address[bytes] ^ inner->address[bytes]) >> (8 - rest) == 0;
}

bool
networks_contain(const NetworkList *list, const Network *inner)
{
	for (int i = 0; i < list->count; i++)
	{
		if (network_contains(&list->items[i], inner))
			return true;
	}
	return false;
}
