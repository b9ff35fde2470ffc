/*
 * audit_entry.c
 *		The bytes of an audit event, and their hash.
 *
 * The serialization is the same in every database, whatever its encoding, its
 * DateStyle or its time zone, so that an event can be hashed again elsewhere:
 * all columns but leaf_hash, in their order, each as the length of its value (4
 * bytes, big-endian; 0xFFFFFFFF for null) and the value
 *
 *	bigint, xid8		8 bytes, big-endian
 *	timestamptz			microseconds since 2000-01-01 UTC, 8 bytes, big-endian
 *	uuid				16 bytes
 *	text, jsonb, inet	what PostgreSQL prints, in UTF-8
 *
 * The hash is that of a leaf in RFC 6962: SHA-256 of a zero byte and the entry.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "audit/audit_entry.h"
#include "base/compat.h"
#include "base/sha256_core.h"

PG_FUNCTION_INFO_V1(devapp_audit_entry);
PG_FUNCTION_INFO_V1(devapp_audit_leaf_hash);

#define NULL_LENGTH		0xFFFFFFFF

static const Oid audit_column_types[AUDIT_COLUMNS + 1] = {
	[AUDIT_EVENT_ID] = INT8OID,
	[AUDIT_OCCURRED_AT] = TIMESTAMPTZOID,
	[AUDIT_ACTOR] = TEXTOID,
	[AUDIT_DB_ROLE] = TEXTOID,
	[AUDIT_CLIENT_ADDR] = INETOID,
	[AUDIT_TRANSACTION_ID] = XID8OID,
	[AUDIT_ACTION] = TEXTOID,
	[AUDIT_ENTITY] = TEXTOID,
	[AUDIT_ENTITY_ID] = TEXTOID,
	[AUDIT_APP_ID] = UUIDOID,
	[AUDIT_DEVELOPER_ID] = UUIDOID,
	[AUDIT_TEAM_ID] = UUIDOID,
	[AUDIT_BEFORE] = JSONBOID,
	[AUDIT_AFTER] = JSONBOID,
	[AUDIT_NOTE] = TEXTOID,
	[AUDIT_COLUMNS] = BYTEAOID,
};

/* A string of the server's encoding, in UTF-8. */
static void
write_string(StringInfo buf, const char *s, int len)
{
	char	   *utf8 = pg_server_to_any(s, len, PG_UTF8);

	if (utf8 != s)
		len = (int) strlen(utf8);
	pq_sendint32(buf, (uint32) len);
	appendBinaryStringInfo(buf, utf8, len);
	if (utf8 != s)
		pfree(utf8);
}

static void
write_value(StringInfo buf, Oid type, Datum value)
{
	char	   *s;

	switch (type)
	{
		case INT8OID:
		case XID8OID:
		case TIMESTAMPTZOID:
			pq_sendint32(buf, 8);
			pq_sendint64(buf, (uint64) DatumGetInt64(value));
			return;
		case UUIDOID:
			pq_sendint32(buf, UUID_LEN);
			appendBinaryStringInfo(buf, (const char *) DatumGetUUIDP(value)->data,
								   UUID_LEN);
			return;
		case JSONBOID:
			s = DatumGetCString(DirectFunctionCall1(jsonb_out, value));
			break;
		case INETOID:
			s = DatumGetCString(DirectFunctionCall1(inet_out, value));
			break;
		default:
			s = TextDatumGetCString(value);
			break;
	}
	write_string(buf, s, (int) strlen(s));
	pfree(s);
}

static void
audit_entry_write(const AuditEvent *event, StringInfo buf)
{
	for (int i = 0; i < AUDIT_COLUMNS; i++)
	{
		if (event->nulls[i])
			pq_sendint32(buf, NULL_LENGTH);
		else
			write_value(buf, audit_column_types[i], event->values[i]);
	}
}

void
audit_leaf_hash(const AuditEvent *event, uint8 hash[AUDIT_HASH_LEN])
{
	StringInfoData buf;

	initStringInfo(&buf);
	pq_sendbyte(&buf, 0);
	audit_entry_write(event, &buf);
	sha256_of(buf.data, (size_t) buf.len, hash);
	pfree(buf.data);
}

/* A value of another type, taken for what is expected, would be a wild pointer. */
void
audit_require_columns(TupleDesc desc)
{
	bool		same = desc->natts == AUDIT_COLUMNS + 1;

	for (int i = 0; same && i <= AUDIT_COLUMNS; i++)
		same = TupleDescAttr(desc, i)->atttypid == audit_column_types[i];
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("table \"devapp.audit_event\" does not have the %d columns that the library expects",
						AUDIT_COLUMNS + 1),
				 errhint("Run ALTER EXTENSION devapp UPDATE, or install the library of this version.")));
}

/* The columns of a row of devapp.audit_event; the values point into the row. */
static void
audit_event_read(HeapTupleHeader row, AuditEvent *event)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row),
											  HeapTupleHeaderGetTypMod(row));
	HeapTupleData tuple = {.t_data = row, .t_len = HeapTupleHeaderGetDatumLength(row)};
	Datum		values[AUDIT_COLUMNS + 1];
	bool		nulls[AUDIT_COLUMNS + 1];

	audit_require_columns(desc);
	heap_deform_tuple(&tuple, desc, values, nulls);
	ReleaseTupleDesc(desc);
	memcpy(event->values, values, sizeof(event->values));
	memcpy(event->nulls, nulls, sizeof(event->nulls));
}

/* audit_entry(event) */
Datum
devapp_audit_entry(PG_FUNCTION_ARGS)
{
	AuditEvent	event;
	StringInfoData buf;

	audit_event_read(PG_GETARG_HEAPTUPLEHEADER(0), &event);
	initStringInfo(&buf);
	audit_entry_write(&event, &buf);
	PG_RETURN_BYTEA_P(cstring_to_text_with_len(buf.data, buf.len));
}

/* audit_leaf_hash(event) */
Datum
devapp_audit_leaf_hash(PG_FUNCTION_ARGS)
{
	AuditEvent	event;
	uint8		hash[AUDIT_HASH_LEN];

	audit_event_read(PG_GETARG_HEAPTUPLEHEADER(0), &event);
	audit_leaf_hash(&event, hash);
	PG_RETURN_BYTEA_P(cstring_to_text_with_len((char *) hash, AUDIT_HASH_LEN));
}
