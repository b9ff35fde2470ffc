/*
 * audit_entry.h
 *		An audit event, its bytes and their hash.
 */
#ifndef DEVAPP_AUDIT_ENTRY_H
#define DEVAPP_AUDIT_ENTRY_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "lib/stringinfo.h"

/* The columns of devapp.audit_event that are hashed, in their order. */
typedef enum AuditColumn
{
	AUDIT_EVENT_ID,
	AUDIT_OCCURRED_AT,
	AUDIT_ACTOR,
	AUDIT_DB_ROLE,
	AUDIT_CLIENT_ADDR,
	AUDIT_TRANSACTION_ID,
	AUDIT_ACTION,
	AUDIT_ENTITY,
	AUDIT_ENTITY_ID,
	AUDIT_APP_ID,
	AUDIT_DEVELOPER_ID,
	AUDIT_TEAM_ID,
	AUDIT_BEFORE,
	AUDIT_AFTER,
	AUDIT_NOTE
} AuditColumn;

#define AUDIT_COLUMNS	(AUDIT_NOTE + 1)
#define AUDIT_HASH_LEN	32

/* An event without its hash; values are of the columns' types. */
typedef struct AuditEvent
{
	Datum		values[AUDIT_COLUMNS];
	bool		nulls[AUDIT_COLUMNS];
} AuditEvent;

/* leaf_hash comes after them */
extern void audit_require_columns(TupleDesc desc);
extern void audit_leaf_hash(const AuditEvent *event, uint8 hash[AUDIT_HASH_LEN]);

#endif							/* DEVAPP_AUDIT_ENTRY_H */
