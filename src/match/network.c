/*
 * network.c
 *		Networks, from PostgreSQL's types inet and cidr.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "catalog/pg_type.h"
#include "utils/inet.h"

#include "base/compat.h"
#include "match/network.h"

/* One of type inet or cidr. */
Network
network_of(Datum value)
{
	const inet *network = DatumGetInetPP(value);

	return ip_family(network) == PGSQL_AF_INET ?
		network_from_v4(ip_addr(network), ip_bits(network)) :
		network_from_v6(ip_addr(network), ip_bits(network));
}

/* Those of a cidr[]; nulls are left out. */
NetworkList
networks_of(ArrayType *array)
{
	NetworkList list = {0, NULL};
	Datum	   *values;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, CIDROID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	if (n == 0)
		return list;
	list.items = palloc(sizeof(Network) * (size_t) n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			list.items[list.count++] = network_of(values[i]);
	}
	return list;
}
