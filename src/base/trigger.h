/*
 * trigger.h
 *		What every trigger function of devapp asks first.
 */
#ifndef DEVAPP_TRIGGER_H
#define DEVAPP_TRIGGER_H

#include "postgres.h"

#include "commands/trigger.h"

extern void trigger_require_own_table(TriggerData *trigdata);

#endif							/* DEVAPP_TRIGGER_H */
