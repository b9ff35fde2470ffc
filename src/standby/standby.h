/*
 * standby.h
 *		What a standby does not know: whether its primary still is as it last heard, and what
 *		is not replayed yet.
 */
#ifndef DEVAPP_STANDBY_H
#define DEVAPP_STANDBY_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"

#include "decide/decide_core.h"

/* What becomes of a verdict. */
typedef enum StandbyAnswer
{
	STANDBY_AS_IT_IS,
	STANDBY_LOOK_AGAIN,			/* more has been replayed since */
	STANDBY_STALE				/* it counts for nothing */
} StandbyAnswer;

/* One of the settings is set; where none is, nothing else here need be asked. */
extern bool devapp_standby_watch;

extern void standby_define_gucs(void);
extern StandbyAnswer standby_answer(VerdictCode code, TimestampTz now, bool *waited);
extern bool standby_is_stale(TimestampTz now);
extern void standby_require_fresh(TimestampTz now);

#endif							/* DEVAPP_STANDBY_H */
