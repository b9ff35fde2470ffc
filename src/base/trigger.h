/*
 * trigger.h
 *		What the trigger functions of devapp ask first.
 */
#ifndef DEVAPP_TRIGGER_H
#define DEVAPP_TRIGGER_H

#include "postgres.h"

#include "commands/trigger.h"

extern void trigger_require_own_table(TriggerData *trigdata);
extern bool trigger_concerns(TriggerData *trigdata, const char *condition);

#endif							/* DEVAPP_TRIGGER_H */
