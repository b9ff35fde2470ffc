/*
 * quota_window.h
 *		The windows of quotas, in the time zone of their product.
 */
#ifndef DEVAPP_QUOTA_WINDOW_H
#define DEVAPP_QUOTA_WINDOW_H

#include "postgres.h"

#include "pgtime.h"

#include "base/str.h"
#include "decide/quota_core.h"

extern QuotaWindow quota_window_at(TimestampTz at, int32 interval, QuotaUnit unit, pg_tz *zone);
extern QuotaWindow quota_window_of(TimestampTz now, const QuotaRule *rule, pg_tz *zone);
extern pg_tz *quota_time_zone(Str name);

#endif							/* DEVAPP_QUOTA_WINDOW_H */
