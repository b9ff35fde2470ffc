/*
 * network.h
 *		Networks, from PostgreSQL's types inet and cidr.
 */
#ifndef DEVAPP_NETWORK_H
#define DEVAPP_NETWORK_H

#include "postgres.h"

#include "utils/array.h"

#include "match/network_core.h"

extern Network network_of(Datum value);
extern NetworkList networks_of(ArrayType *array);

#endif							/* DEVAPP_NETWORK_H */
