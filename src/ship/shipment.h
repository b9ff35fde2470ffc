/*
 * shipment.h
 *		Counts that come from elsewhere.
 */
#ifndef DEVAPP_SHIPMENT_H
#define DEVAPP_SHIPMENT_H

#include "postgres.h"

extern bool shipment_is_whole(const void *data, Size len);

#endif							/* DEVAPP_SHIPMENT_H */
