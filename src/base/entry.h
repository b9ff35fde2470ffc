/*
 * entry.h
 *		The one entry to functions that run with their owner's rights.
 */
#ifndef DEVAPP_ENTRY_H
#define DEVAPP_ENTRY_H

#include "postgres.h"

extern Oid	entry_role(void);
extern bool entry_by_admin(void);
extern bool entry_by_auditor(void);
extern bool entry_in_call(void);
extern void entry_at_end(void (*work) (void));

#endif							/* DEVAPP_ENTRY_H */
