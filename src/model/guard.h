/*
 * guard.h
 *		What the trigger functions share.
 */
#ifndef DEVAPP_GUARD_H
#define DEVAPP_GUARD_H

#include "postgres.h"

#include "commands/trigger.h"

extern bool guard_attribute_changed(TriggerData *trigdata, int attno);
extern bool guard_list_has_word(const char *list, const char *word);
extern bool guard_column_changed(TriggerData *trigdata, const char *column);

#endif							/* DEVAPP_GUARD_H */
