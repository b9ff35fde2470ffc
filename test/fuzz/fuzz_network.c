/*
 * fuzz_network.c
 *		Fuzz target: networks in networks, against a comparison bit by bit.
 */
#include "fuzz.h"
#include "match/network_core.h"

static int
bit_of(const Network *network, int n)
{
	return network->address[n / 8] >> (7 - n % 8) & 1;
}

static bool
reference_contains(const Network *outer, const Network *inner)
{
	if (inner->bits < outer->bits)
		return false;
	for (int i = 0; i < outer->bits; i++)
	{
		if (bit_of(outer, i) != bit_of(inner, i))
			return false;
	}
	return true;
}

/* The bits come first, since the addresses are near one another then. */
static Network
read_network(FuzzInput *in)
{
	bool		v4 = fuzz_below(in, 2) == 0;
	int			bits = (int) fuzz_below(in, v4 ? 33 : 129);
	uint8_t		address[NETWORK_BYTES];

	for (int i = 0; i < NETWORK_BYTES; i++)
		address[i] = (uint8_t) fuzz_byte(in);
	return v4 ? network_from_v4(address, bits) : network_from_v6(address, bits);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	in = {data, size};
	Network		inner = read_network(&in);
	Network		items[4];
	NetworkList list = {0, items};
	bool		expected = false;

	while (list.count < 4 && in.len > 0)
	{
		Network		outer = read_network(&in);

		/* near the inner one, so that some contain it */
		if (fuzz_below(&in, 2) == 0)
		{
			int			n = (int) fuzz_below(&in, 128);

			memcpy(outer.address, inner.address, NETWORK_BYTES);
			outer.address[n / 8] ^= (uint8_t) (1 << (7 - n % 8));
		}
		CHECK(network_contains(&outer, &inner) == reference_contains(&outer, &inner));
		expected |= reference_contains(&outer, &inner);
		items[list.count++] = outer;
	}
	CHECK(networks_contain(&list, &inner) == expected);
	CHECK(network_contains(&inner, &inner));
	return 0;
}
