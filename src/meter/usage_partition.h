/*
 * usage_partition.h
 *		A partition of hours or days of usage, to which sums are added.
 */
#ifndef DEVAPP_USAGE_PARTITION_H
#define DEVAPP_USAGE_PARTITION_H

#include "postgres.h"

#include "meter/usage_row.h"

typedef struct UsagePartition UsagePartition;

extern UsagePartition *usage_partition_open(Oid id, bool by_hour, TimestampTz written_at);
extern void usage_partition_add(UsagePartition *partition, const UsageRow *rows, size_t n);
extern void usage_partition_close(UsagePartition *partition);

#endif							/* DEVAPP_USAGE_PARTITION_H */
