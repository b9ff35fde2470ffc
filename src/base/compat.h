/*
 * compat.h
 *		What differs between the majors of PostgreSQL (15 to 19).
 *
 * The only file that looks at PG_VERSION_NUM.
 */
#ifndef DEVAPP_COMPAT_H
#define DEVAPP_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_namespace.h"
#include "common/jsonapi.h"
#include "fmgr.h"
#include "postmaster/bgworker.h"
#include "utils/acl.h"
#include "utils/jsonb.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * The text domain of our messages.  There are no translations of them; entry.c
 * knows our errors by it.
 */
#undef TEXTDOMAIN
#define TEXTDOMAIN "devapp"

/* 18 lets a library carry its name and version */
#if PG_VERSION_NUM >= 180000
#define DEVAPP_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "devapp", .version = DEVAPP_VERSION)
#else
#define DEVAPP_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 18 added a place for instrumentation, 19 flags */
static inline IndexScanDesc
compat_index_beginscan(Relation heap, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 190000
	return index_beginscan(heap, index, snapshot, NULL, nkeys, 0, 0);
#elif PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(heap, index, snapshot, nkeys, 0);
#endif
}

static inline TableScanDesc
compat_table_beginscan(Relation rel, Snapshot snapshot)
{
#if PG_VERSION_NUM >= 190000
	return table_beginscan(rel, snapshot, 0, NULL, 0);
#else
	return table_beginscan(rel, snapshot, 0, NULL);
#endif
}

/* until 18 a session may have a backslash in a plain string escape what follows */
#if PG_VERSION_NUM >= 190000
#define compat_backslash_escapes() false
#else
#include "parser/parser.h"
#define compat_backslash_escapes() (!standard_conforming_strings)
#endif

/* 16 added indexes that only summarize, 19 made all of these flags */
#if PG_VERSION_NUM >= 190000
#define compat_insert_index_tuples(info, slot, estate) \
	ExecInsertIndexTuples(info, estate, 0, slot, NIL, NULL)
#elif PG_VERSION_NUM >= 160000
#define compat_insert_index_tuples(info, slot, estate) \
	ExecInsertIndexTuples(info, slot, estate, false, false, NULL, NIL, false)
#else
#define compat_insert_index_tuples(info, slot, estate) \
	ExecInsertIndexTuples(info, slot, estate, false, false, NULL, NIL)
#endif

/* 16 makes the map when it is asked for it */
#if PG_VERSION_NUM >= 160000
#define compat_root_to_child_map(child, estate) ExecGetRootToChildMap(child, estate)
#else
#define compat_root_to_child_map(child, estate) ((child)->ri_RootToPartitionMap)
#endif

/* 17 asks for the statement, which event triggers are told of */
static inline void
compat_reindex(Oid table)
{
	ReindexParams params = {0};
	int			flags = REINDEX_REL_PROCESS_TOAST | REINDEX_REL_CHECK_CONSTRAINTS;

#if PG_VERSION_NUM >= 170000
	(void) reindex_relation(NULL, table, flags, &params);
#else
	(void) reindex_relation(table, flags, &params);
#endif
}

/* 18 asks whether the primary key may be deferrable */
#if PG_VERSION_NUM >= 180000
#define compat_primary_key(rel) RelationGetPrimaryKeyIndex(rel, false)
#else
#define compat_primary_key(rel) RelationGetPrimaryKeyIndex(rel)
#endif

/* 16 has one function for the privileges of all kinds of objects */
static inline bool
compat_schema_usage(Oid schema, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(NamespaceRelationId, schema, role, ACL_USAGE) == ACLCHECK_OK;
#else
	return pg_namespace_aclcheck(schema, role, ACL_USAGE) == ACLCHECK_OK;
#endif
}

/* 18 put pg_noreturn, before the declaration, in the place of pg_attribute_noreturn() */
#define compat_noreturn __attribute__((noreturn))

/* 16 has input errors that need not be thrown */
#if PG_VERSION_NUM >= 160000
#define compat_input_error(fcinfo, ...) \
	ereturn((fcinfo)->context, (Datum) 0, __VA_ARGS__)
#else
#define compat_input_error(fcinfo, ...) \
	ereport(ERROR, __VA_ARGS__)
#endif

/* 16 lets the callbacks of the JSON parser return an error */
#if PG_VERSION_NUM >= 160000
#define compat_json_result JsonParseErrorType
#define compat_json_return() return JSON_SUCCESS
#else
#define compat_json_result void
#define compat_json_return() return
#endif

/* 17 lets the caller bring the memory of a lexer */
static inline JsonLexContext *
compat_json_lexer(const char *json, int encoding)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, json, strlen(json), encoding, true);
#else
	return makeJsonLexContextCstringLen(pstrdup(json), (int) strlen(json),
										encoding, true);
#endif
}

/* 19 has one state of a jsonb that is being built, with its result */
#if PG_VERSION_NUM >= 190000
typedef JsonbInState CompatJsonBuilder;
#else
typedef struct CompatJsonBuilder
{
	JsonbParseState *state;
	JsonbValue *result;
} CompatJsonBuilder;
#endif

static inline void
compat_json_push(CompatJsonBuilder *builder, JsonbIteratorToken token, JsonbValue *v)
{
#if PG_VERSION_NUM >= 190000
	pushJsonbValue(builder, token, v);
#else
	builder->result = pushJsonbValue(&builder->state, token, v);
#endif
}

/* 16 frees what a setting keeps by a function of its own, which only takes memory of its own */
#if PG_VERSION_NUM >= 160000
#define compat_guc_malloc(size) guc_malloc(LOG, size)
#else
#define compat_guc_malloc(size) malloc(size)
#endif

/* 18's pgcrypto knows the crypt() of SHA-256 and SHA-512: $5$ and $6$ */
#define COMPAT_SHA_CRYPT	(PG_VERSION_NUM >= 180000)

/* 19 lets DROP DATABASE and the like end a background worker that says so */
#ifndef BGWORKER_INTERRUPTIBLE
#define BGWORKER_INTERRUPTIBLE 0
#endif

#endif							/* DEVAPP_COMPAT_H */
