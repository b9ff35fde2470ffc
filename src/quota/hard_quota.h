/*
 * hard_quota.h
 *		Consuming a hard quota in its row.
 */
#ifndef DEVAPP_HARD_QUOTA_H
#define DEVAPP_HARD_QUOTA_H

#include "postgres.h"

#include "quota/bucket_core.h"

extern int64 hard_quota_consume(const BucketKey *key, QuotaWindow window, int64 cost,
								int64 room);

#endif							/* DEVAPP_HARD_QUOTA_H */
