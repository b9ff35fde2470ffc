/*
 * quota_window.c
 *		The windows of quotas, in the time zone of their product.
 *
 * quota_core.c knows the calendar, this file the clocks of the time zones.  A time is
 * taken to what the clock on the wall shows, the window is found there, and its ends are
 * taken back.  Days, weeks and months begin at midnight of the wall, so one with a change
 * of the clocks is longer or shorter than others.  Minutes and hours are all of a length:
 * they count on from what the clock shows at the time, and an hour that comes twice is
 * two.
 *
 * Where midnight comes twice, the first counts; where it never comes, what the clock
 * shows instead.
 *
 * In UTC a window is a few divisions; elsewhere it takes the rules of the zone, so the
 * last windows are kept.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "decide/quota_window.h"

#define KNOWN_WINDOWS	16

typedef struct KnownWindow
{
	pg_tz	   *zone;			/* NULL: the place is free */
	int32		interval;
	QuotaUnit	unit;
	QuotaWindow window;
} KnownWindow;

/* What the clock on the wall is ahead of UTC, in microseconds; 0 where nobody knows. */
static int64
wall_offset(TimestampTz at, pg_tz *zone)
{
	pg_time_t	seconds = timestamptz_to_time_t(at);
	struct pg_tm *tm = pg_localtime(&seconds, zone);

	return tm ? tm->tm_gmtoff * USECS_PER_SEC : 0;
}

/* When does the clock on the wall show this?  Of a time that comes twice, the earlier. */
static TimestampTz
time_of_wall(Timestamp wall, pg_tz *zone)
{
	struct pg_tm tm;
	fsec_t		fsec;
	TimestampTz later;
	TimestampTz earlier;

	if (timestamp2tm(wall, NULL, &tm, &fsec, NULL, NULL) != 0)
		return wall;
	later = wall + DetermineTimeZoneOffset(&tm, zone) * USECS_PER_SEC;
	earlier = wall - wall_offset(later - USECS_PER_DAY, zone);
	return earlier < later && wall_offset(earlier, zone) == wall - earlier ? earlier : later;
}

static bool
is_time(int64 t)
{
	return t != QUOTA_TIME_MIN && t != QUOTA_TIME_MAX;
}

/* The window of this length that a time is in. */
QuotaWindow
quota_window_at(TimestampTz at, int32 interval, QuotaUnit unit, pg_tz *zone)
{
	int64		offset = zone ? wall_offset(at, zone) : 0;
	QuotaWindow wall = quota_window(at + offset, interval, unit);
	QuotaWindow window = wall;
	bool		has_midnights = unit != QUOTA_MINUTE && unit != QUOTA_HOUR;

	if (zone == NULL)
		return window;
	if (is_time(wall.start))
	{
		window.start = has_midnights ? time_of_wall(wall.start, zone) : wall.start - offset;
		if (window.start > at)
			window.start = wall.start - offset;
	}
	if (is_time(wall.end))
	{
		window.end = has_midnights ? time_of_wall(wall.end, zone) : wall.end - offset;
		if (window.end <= at)
			window.end = wall.end - offset;
	}
	return window;
}

/* The same for the quota of a call. */
QuotaWindow
quota_window_of(TimestampTz now, const QuotaRule *rule, pg_tz *zone)
{
	static KnownWindow known[KNOWN_WINDOWS];
	KnownWindow *place;

	if (zone == NULL)
		return quota_window(now, rule->interval, rule->unit);
	place = &known[((uintptr_t) zone / 64 + (uint32) rule->interval * 7 + rule->unit) % KNOWN_WINDOWS];
	if (place->zone != zone || place->interval != rule->interval || place->unit != rule->unit ||
		now < place->window.start || now >= place->window.end)
		*place = (KnownWindow) {zone, rule->interval, rule->unit,
			quota_window_at(now, rule->interval, rule->unit, zone)};
	return place->window;
}

/* NULL for UTC, and for a zone that this server does not know. */
pg_tz *
quota_time_zone(Str name)
{
	char		terminated[TZ_STRLEN_MAX + 1];

	if (str_is(name, "UTC") || name.len > TZ_STRLEN_MAX)
		return NULL;
	memcpy(terminated, name.data, name.len);
	terminated[name.len] = '\0';
	return pg_tzset(terminated);
}
