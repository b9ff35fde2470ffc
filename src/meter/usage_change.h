/*
 * usage_change.h
 *		Which days of usage have changed since the reports added them up.
 */
#ifndef DEVAPP_USAGE_CHANGE_H
#define DEVAPP_USAGE_CHANGE_H

#include "postgres.h"

#include "commands/trigger.h"
#include "utils/date.h"

/* the table whose day has changed */
typedef enum UsageSource
{
	SOURCE_DAY,
	SOURCE_LATENCY
} UsageSource;

extern void usage_change_note(UsageSource source, DateADT day);
extern bool usage_change_is_only_trigger(const TriggerDesc *triggers);

#endif							/* DEVAPP_USAGE_CHANGE_H */
