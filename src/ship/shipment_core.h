/*
 * shipment_core.h
 *		Counts as bytes, that come from elsewhere.  Needs no backend.
 */
#ifndef DEVAPP_SHIPMENT_CORE_H
#define DEVAPP_SHIPMENT_CORE_H

#include "meter/meter_core.h"

/* that a shipment may have */
#define SHIPMENT_MAX_ROWS	50000

/* what one counter can have counted between two shipments */
#define SHIPMENT_MAX_COUNT	UINT64_C(1000000000)

extern const char *shipment_check(const void *data, size_t len, int32_t first_minute,
								  int32_t last_minute, size_t *n);
extern MeterRow shipment_row(const void *data, size_t i);

#endif							/* DEVAPP_SHIPMENT_CORE_H */
