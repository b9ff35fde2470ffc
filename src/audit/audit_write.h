/*
 * audit_write.h
 *		Writing events to the audit trail.
 */
#ifndef DEVAPP_AUDIT_WRITE_H
#define DEVAPP_AUDIT_WRITE_H

#include "postgres.h"

#include "audit/audit_entry.h"

extern void audit_write(AuditEvent *event);
extern uint64 audit_stretch(void);
extern void audit_end_stretch(void);

#endif							/* DEVAPP_AUDIT_WRITE_H */
