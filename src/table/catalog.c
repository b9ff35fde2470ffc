/*
 * catalog.c
 *		Where the tables of the model are, and how to read them.
 *
 * The verification path reads tables by index scans of its own: no SPI, no
 * planner, no executor.  Which relations, indexes and columns those are is
 * resolved by name once and kept in the backend, until the relation cache says
 * that one of the relations has changed (DROP EXTENSION, ALTER TABLE).
 *
 * Reading uses the latest committed snapshot rather than the transaction's, so
 * that a revocation counts inside an old transaction too.  That snapshot is
 * taken directly, because GetLatestSnapshot() refuses to work in parallel mode.
 * One snapshot serves a whole verification: its parts fit each other.
 *
 * Locking: AccessShareLock on a table and its index while a scan is open.  It is
 * released with the scan, as for system catalogs, so that a transaction does not
 * gather locks; nothing relies on the relations staying as they are afterwards.
 *
 * Any look-up may hear of changes, and what is kept here is then resolved anew by
 * the next function of this file.  So what they return is of the moment: a value, or a
 * scan that holds its relations open.
 *
 * The catalog may be that of the release before (base/version.c).  What it lacks of this version
 * is not resolved: such a column reads as NULL, such a table holds no rows.
 *
 * Privileges on the tables are not asked.  Who may execute a function that ends
 * here decides.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/schema.h"
#include "base/version.h"
#include "table/catalog.h"
#include "table/invalidation.h"

static const struct
{
	const char *table;
	const char *index;
	int			keys;			/* columns that are looked for, the first ones */
}			index_names[CATALOG_INDEXES] = {
	[PACKED_ROW_BY_SUBJECT] = {"packed_row", "packed_row_subject_idx", 1},
	[DEVELOPER_BY_ID] = {"developer", "developer_pkey", 1},
	[TEAM_BY_ID] = {"team", "team_pkey", 1},
	[PRODUCT_BY_ID] = {"product", "product_pkey", 1},
	[PRODUCT_BY_NAME] = {"product", "product_name_key", 1},
	[OPERATION_BY_PRODUCT] = {"product_operation", "product_operation_resource_key", 1},
	[APP_BY_ID] = {"app", "app_pkey", 1},
	[CREDENTIAL_BY_ID] = {"credential", "credential_pkey", 1},
	[CREDENTIAL_BY_KEY] = {"credential", "credential_consumer_key_key", 1},
	[CREDENTIAL_BY_APP] = {"credential", "credential_app_id_idx", 1},
	[SECRET_BY_CREDENTIAL] = {"credential_secret", "credential_secret_version_key", 1},
	[SECRET_BY_DIGEST] = {"credential_secret", "credential_secret_digest_idx", 1},
	[SECRET_BY_FOREIGN_PURPOSE] = {"credential_secret", "credential_secret_foreign_idx", 2},
	[CREDENTIAL_PRODUCT_BY_CREDENTIAL] = {"credential_product", "credential_product_key", 1},
	[APP_QUOTA_BY_APP] = {"app_quota", "app_quota_pkey", 1},
	[QUOTA_USAGE_BY_BUCKET] = {"quota_usage", "quota_usage_key", CATALOG_KEYS},
	[APPROVAL_SETTING_BY_NAME] = {"approval_setting", "approval_setting_pkey", 1},
	[SIGNING_KEY_BY_KID] = {"signing_key", "signing_key_pkey", 1},
	[SIGNING_KEY_ACTIVE] = {"signing_key", "signing_key_active_key", 1},
	[SEALED_KEY_BY_SUBJECT] = {"sealed_key", "sealed_key_pkey", 1},
	[REVOKED_TOKEN_BY_ID] = {"revoked_token", "revoked_token_pkey", 1},
	[TOKEN_ISSUER_BY_ISSUER] = {"token_issuer", "token_issuer_pkey", 1},
	[DEVELOPER_BY_EMAIL] = {"developer", "developer_email_key", 1},
	[TEAM_BY_NAME] = {"team", "team_name_key", 1},
	[APP_BY_DEVELOPER] = {"app", "app_developer_name_key", 2},
	[APP_BY_TEAM] = {"app", "app_team_name_key", 2},
};

static const struct
{
	const char *table;
	const char *column;
	Oid			type;
	const char *own_type;		/* of devapp's, where type is invalid */
}			column_names[CATALOG_COLUMNS] = {
	[PACKED_ROW_SUBJECT] = {"packed_row", "subject", UUIDOID, NULL},
	[PACKED_ROW_KIND] = {"packed_row", "kind", CHAROID, NULL},
	[PACKED_ROW_ITEM] = {"packed_row", "item", UUIDOID, NULL},
	[PACKED_ROW_BODY] = {"packed_row", "body", BYTEAOID, NULL},
	[DEVELOPER_ID] = {"developer", "developer_id", UUIDOID, NULL},
	[DEVELOPER_EMAIL] = {"developer", "email", TEXTOID, NULL},
	[DEVELOPER_STATUS] = {"developer", "status", TEXTOID, NULL},
	[DEVELOPER_DELETED_AT] = {"developer", "deleted_at", TIMESTAMPTZOID, NULL},
	[TEAM_ID] = {"team", "team_id", UUIDOID, NULL},
	[TEAM_NAME] = {"team", "name", TEXTOID, NULL},
	[TEAM_STATUS] = {"team", "status", TEXTOID, NULL},
	[PRODUCT_ID] = {"product", "product_id", UUIDOID, NULL},
	[PRODUCT_NAME] = {"product", "name", TEXTOID, NULL},
	[PRODUCT_ENVIRONMENTS] = {"product", "environments", TEXTARRAYOID, NULL},
	[PRODUCT_PROXIES] = {"product", "proxies", TEXTARRAYOID, NULL},
	[PRODUCT_SCOPES] = {"product", "scopes", TEXTARRAYOID, NULL},
	[PRODUCT_QUOTA_LIMIT] = {"product", "quota_limit", INT8OID, NULL},
	[PRODUCT_QUOTA_INTERVAL] = {"product", "quota_interval", INT4OID, NULL},
	[PRODUCT_QUOTA_UNIT] = {"product", "quota_unit", TEXTOID, NULL},
	[PRODUCT_QUOTA_ENFORCEMENT] = {"product", "quota_enforcement", TEXTOID, NULL},
	[PRODUCT_TIME_ZONE] = {"product", "time_zone", TEXTOID, NULL},
	[PRODUCT_RATE_LIMIT] = {"product", "rate_limit", FLOAT8OID, NULL},
	[PRODUCT_RATE_BURST] = {"product", "rate_burst", INT4OID, NULL},
	[PRODUCT_TRAILING_SLASH] = {"product", "trailing_slash", TEXTOID, NULL},
	[OPERATION_PRODUCT_ID] = {"product_operation", "product_id", UUIDOID, NULL},
	[OPERATION_ID] = {"product_operation", "operation_id", UUIDOID, NULL},
	[OPERATION_RESOURCE] = {"product_operation", "resource", InvalidOid, "resource_pattern"},
	[OPERATION_METHODS] = {"product_operation", "methods", TEXTARRAYOID, NULL},
	[OPERATION_PROXY] = {"product_operation", "proxy", TEXTOID, NULL},
	[OPERATION_QUOTA_LIMIT] = {"product_operation", "quota_limit", INT8OID, NULL},
	[OPERATION_QUOTA_INTERVAL] = {"product_operation", "quota_interval", INT4OID, NULL},
	[OPERATION_QUOTA_UNIT] = {"product_operation", "quota_unit", TEXTOID, NULL},
	[APP_ID] = {"app", "app_id", UUIDOID, NULL},
	[APP_DEVELOPER_ID] = {"app", "developer_id", UUIDOID, NULL},
	[APP_TEAM_ID] = {"app", "team_id", UUIDOID, NULL},
	[APP_NAME] = {"app", "name", TEXTOID, NULL},
	[APP_STATUS] = {"app", "status", TEXTOID, NULL},
	[APP_SCOPES] = {"app", "scopes", TEXTARRAYOID, NULL},
	[APP_ALLOWED_CIDRS] = {"app", "allowed_cidrs", CIDRARRAYOID, NULL},
	[CREDENTIAL_KIND] = {"credential", "kind", TEXTOID, NULL},
	[CREDENTIAL_ID] = {"credential", "credential_id", UUIDOID, NULL},
	[CREDENTIAL_APP_ID] = {"credential", "app_id", UUIDOID, NULL},
	[CREDENTIAL_CONSUMER_KEY] = {"credential", "consumer_key", TEXTOID, NULL},
	[CREDENTIAL_ENVIRONMENT] = {"credential", "environment", TEXTOID, NULL},
	[CREDENTIAL_STATUS] = {"credential", "status", TEXTOID, NULL},
	[CREDENTIAL_SCOPES] = {"credential", "scopes", TEXTARRAYOID, NULL},
	[CREDENTIAL_ALLOWED_CIDRS] = {"credential", "allowed_cidrs", CIDRARRAYOID, NULL},
	[CREDENTIAL_EXPIRES_AT] = {"credential", "expires_at", TIMESTAMPTZOID, NULL},
	[CREDENTIAL_DELETED_AT] = {"credential", "deleted_at", TIMESTAMPTZOID, NULL},
	[SECRET_ID] = {"credential_secret", "secret_id", UUIDOID, NULL},
	[SECRET_CREDENTIAL_ID] = {"credential_secret", "credential_id", UUIDOID, NULL},
	[SECRET_PURPOSE] = {"credential_secret", "purpose", TEXTOID, NULL},
	[SECRET_DIGEST] = {"credential_secret", "digest", InvalidOid, "secret_digest"},
	[SECRET_VERSION] = {"credential_secret", "version", INT4OID, NULL},
	[SECRET_VALID_FROM] = {"credential_secret", "valid_from", TIMESTAMPTZOID, NULL},
	[SECRET_SUPERSEDED_AT] = {"credential_secret", "superseded_at", TIMESTAMPTZOID, NULL},
	[SECRET_VALID_UNTIL] = {"credential_secret", "valid_until", TIMESTAMPTZOID, NULL},
	[SECRET_ENDED_AT] = {"credential_secret", "ended_at", TIMESTAMPTZOID, NULL},
	[CREDENTIAL_PRODUCT_CREDENTIAL_ID] = {"credential_product", "credential_id", UUIDOID, NULL},
	[CREDENTIAL_PRODUCT_REMOVED_AT] = {"credential_product", "removed_at", TIMESTAMPTZOID, NULL},
	[CREDENTIAL_PRODUCT_ORDINAL] = {"credential_product", "ordinal", INT8OID, NULL},
	[CREDENTIAL_PRODUCT_PRODUCT_ID] = {"credential_product", "product_id", UUIDOID, NULL},
	[CREDENTIAL_PRODUCT_STATUS] = {"credential_product", "status", TEXTOID, NULL},
	[APP_QUOTA_APP_ID] = {"app_quota", "app_id", UUIDOID, NULL},
	[APP_QUOTA_PRODUCT_ID] = {"app_quota", "product_id", UUIDOID, NULL},
	[APP_QUOTA_QUOTA_LIMIT] = {"app_quota", "quota_limit", INT8OID, NULL},
	[APP_QUOTA_QUOTA_INTERVAL] = {"app_quota", "quota_interval", INT4OID, NULL},
	[APP_QUOTA_QUOTA_UNIT] = {"app_quota", "quota_unit", TEXTOID, NULL},
	[APP_QUOTA_RATE_LIMIT] = {"app_quota", "rate_limit", FLOAT8OID, NULL},
	[APP_QUOTA_RATE_BURST] = {"app_quota", "rate_burst", INT4OID, NULL},
	[APP_QUOTA_UNTIL] = {"app_quota", "until", TIMESTAMPTZOID, NULL},
	[QUOTA_USAGE_WINDOW_START] = {"quota_usage", "window_start", TIMESTAMPTZOID, NULL},
	[QUOTA_USAGE_WINDOW_END] = {"quota_usage", "window_end", TIMESTAMPTZOID, NULL},
	[QUOTA_USAGE_USED] = {"quota_usage", "used", INT8OID, NULL},
	[QUOTA_USAGE_RESETS] = {"quota_usage", "resets", INT4OID, NULL},
	[QUOTA_USAGE_RESERVED] = {"quota_usage", "reserved", INT8OID, NULL},
	[APPROVAL_SETTING_VALUE] = {"approval_setting", "value", TEXTOID, NULL},
	[SIGNING_KEY_KID] = {"signing_key", "kid", TEXTOID, NULL},
	[SIGNING_KEY_KEY_ID] = {"signing_key", "key_id", UUIDOID, NULL},
	[SIGNING_KEY_ALG] = {"signing_key", "alg", TEXTOID, NULL},
	[SIGNING_KEY_STATUS] = {"signing_key", "status", TEXTOID, NULL},
	[SIGNING_KEY_JWK] = {"signing_key", "jwk", JSONBOID, NULL},
	[SIGNING_KEY_VERIFY_UNTIL] = {"signing_key", "verify_until", TIMESTAMPTZOID, NULL},
	[SIGNING_KEY_COMPROMISED_AT] = {"signing_key", "compromised_at", TIMESTAMPTZOID, NULL},
	[SIGNING_KEY_LONGEST_LIFETIME] = {"signing_key", "longest_lifetime", INTERVALOID, NULL},
	[SEALED_KEY_SUBJECT] = {"sealed_key", "subject", TEXTOID, NULL},
	[SEALED_KEY_SEALED] = {"sealed_key", "sealed", BYTEAOID, NULL},
	[REVOKED_TOKEN_ID] = {"revoked_token", "token_id", UUIDOID, NULL},
	[TOKEN_ISSUER_ISSUER] = {"token_issuer", "issuer", TEXTOID, NULL},
	[TOKEN_ISSUER_ISSUER_ID] = {"token_issuer", "issuer_id", UUIDOID, NULL},
	[TOKEN_ISSUER_JWKS] = {"token_issuer", "jwks", JSONBOID, NULL},
	[TOKEN_ISSUER_SECRETS] = {"token_issuer", "secrets", INT4OID, NULL},
	[TOKEN_ISSUER_AUDIENCE] = {"token_issuer", "audience", TEXTARRAYOID, NULL},
	[TOKEN_ISSUER_CLAIM] = {"token_issuer", "claim", TEXTOID, NULL},
	[TOKEN_ISSUER_NAMES] = {"token_issuer", "names", TEXTOID, NULL},
	[TOKEN_ISSUER_IS_ACTIVE] = {"token_issuer", "is_active", BOOLOID, NULL},
};

/*
 * The version that an index or a column came with; NULL: 0.1.0.  A later column is the last of its
 * table above, and null in rows from before.
 */
static const char *const indexes_since[CATALOG_INDEXES] = {NULL};
static const char *const columns_since[CATALOG_COLUMNS] = {NULL};

typedef struct ResolvedIndex
{
	Oid			table;
	Oid			file;			/* of the table; a rewrite makes another */
	Oid			index;
	Oid			equals[CATALOG_KEYS];	/* functions of the equality operators */
	Oid			collations[CATALOG_KEYS];
	StrategyNumber strategy;
} ResolvedIndex;

/*
 * Packed rows are resolved by themselves, because they are all that a session needs that
 * does nothing but verify; the rest when something asks for it.
 */
#define PACKED_INDEXES	(PACKED_ROW_BY_SUBJECT + 1)
#define PACKED_ROW_COLUMNS	(PACKED_ROW_BODY + 1)

static struct
{
	bool		valid;
	bool		all;			/* not the packed rows only */
	bool		changed;		/* a relation changed while names were resolved */
	bool		broken_off;		/* resolving ended in an error */
	ResolvedIndex indexes[CATALOG_INDEXES];
	AttrNumber	columns[CATALOG_COLUMNS];
}			resolved;

/* what another file has resolved along with them, see catalog_add_part() */
static const CatalogPart *other_part = NULL;

static SnapshotData latest_snapshot = {.snapshot_type = SNAPSHOT_MVCC};

/* ---------- resolving names ---------- */

static bool
is_ours(Oid relid)
{
	if (relid == InvalidOid ||
		(other_part != NULL && other_part->is_part(relid)))
		return true;
	for (int i = 0; i < CATALOG_INDEXES; i++)
	{
		if (relid == resolved.indexes[i].table ||
			relid == resolved.indexes[i].index)
			return true;
	}
	return false;
}

/* If names are being resolved, they are resolved once more. */
static void
something_changed(void)
{
	resolved.changed = !resolved.valid;
	resolved.valid = false;
}

/*
 * VACUUM and ANALYZE of a table come here too.  Whether it is another table now, or other
 * contents (TRUNCATE), shows when the names are resolved.
 */
static void
relation_changed(Datum arg, Oid relid)
{
	if (!resolved.valid || is_ours(relid))
		something_changed();
}

void
catalog_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	version_init(something_changed);
}

/*
 * Something that is found by name together with the tables: once is_part() says that
 * a relation of it has changed, all is resolved again.
 */
void
catalog_add_part(const CatalogPart *part)
{
	Assert(other_part == NULL);
	other_part = part;
}

static Oid
schema_of(CatalogIndex which)
{
	return get_namespace_oid(which < PACKED_INDEXES ? "devapp_internal" : "devapp", false);
}

/* The catalog of the release before has no such index. */
static bool
index_is_lacking(Oid schema, CatalogIndex which)
{
	return !OidIsValid(get_relname_relid(index_names[which].index, schema)) &&
		version_may_lack(indexes_since[which]);
}

static void
resolve_index(Oid schema, CatalogIndex which)
{
	ResolvedIndex *r = &resolved.indexes[which];
	Relation	heap;
	Relation	index;
	Oid			opfamilies[CATALOG_KEYS];
	Oid			types[CATALOG_KEYS];
	int			n;

	if (unlikely(indexes_since[which] != NULL) && index_is_lacking(schema, which))
	{
		memset(r, 0, sizeof(ResolvedIndex));
		return;
	}
	/* under a lock on its table, an index is not dropped */
	r->table = schema_require_relation(schema, index_names[which].table);
	heap = try_table_open(r->table, AccessShareLock);
	if (heap == NULL)
	{
		resolved.changed = true;
		return;
	}
	r->file = heap->rd_rel->relfilenode;
	r->index = schema_require_relation(schema, index_names[which].index);
	index = index_open(r->index, AccessShareLock);
	n = Min(IndexRelationGetNumberOfKeyAttributes(index), index_names[which].keys);
	for (int i = 0; i < n; i++)
	{
		opfamilies[i] = index->rd_opfamily[i];
		types[i] = index->rd_opcintype[i];
		r->collations[i] = index->rd_indcollation[i];
	}
	r->strategy = index->rd_rel->relam == HASH_AM_OID ?
		HTEqualStrategyNumber : BTEqualStrategyNumber;
	index_close(index, AccessShareLock);
	table_close(heap, AccessShareLock);

	for (int i = 0; i < n; i++)
		r->equals[i] = get_opcode(get_opfamily_member(opfamilies[i], types[i], types[i],
													  r->strategy));
}

/* A value of another type, taken for what is expected, would be a wild pointer. */
static void
require_type(Oid schema, CatalogColumn which, Oid type)
{
	const char *own_type = column_names[which].own_type;
	Oid			expected = own_type == NULL ? column_names[which].type :
		GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(own_type),
						ObjectIdGetDatum(schema));

	if (type != expected)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s.%s\" has type %s, but the library expects %s",
						column_names[which].column, get_namespace_name(schema), column_names[which].table,
						format_type_be(type), format_type_be(expected)),
				 errhint("Restore the type of the column, or install the library of this version.")));
}

static AttrNumber
find_column(Oid schema, Relation heap, CatalogColumn which)
{
	for (int i = 0; i < RelationGetNumberOfAttributes(heap); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(heap), i);

		if (!att->attisdropped && namestrcmp(&att->attname, column_names[which].column) == 0)
		{
			require_type(schema, which, att->atttypid);
			return att->attnum;
		}
	}
	if (version_may_lack(columns_since[which]))
		return InvalidAttrNumber;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of table \"%s.%s\" does not exist",
					column_names[which].column, get_namespace_name(schema), column_names[which].table),
			 errhint("Run ALTER EXTENSION devapp UPDATE.")));
	pg_unreachable();
}

/* Is this a column of a table that the catalog of the release before does not have? */
static bool
table_is_lacking(Oid schema, CatalogColumn which)
{
	return !OidIsValid(get_relname_relid(column_names[which].table, schema)) &&
		version_may_lack(columns_since[which]);
}

/*
 * From the descriptors of the tables, which are there since their indexes were opened:
 * in a new session a look-up of each column in the catalogs would cost more than all the rest.
 * The columns of a table follow one another.
 */
static void
resolve_columns(int first, int end, Oid schema)
{
	int			next = first;

	while (next < end)
	{
		const char *table = column_names[next].table;
		Relation	heap;

		if (unlikely(columns_since[next] != NULL) && table_is_lacking(schema, next))
		{
			resolved.columns[next++] = InvalidAttrNumber;
			continue;
		}
		heap = try_table_open(schema_require_relation(schema, table), AccessShareLock);
		if (heap == NULL)
		{
			resolved.changed = true;
			return;
		}
		for (; next < end && strcmp(column_names[next].table, table) == 0; next++)
			resolved.columns[next] = find_column(schema, heap, next);
		table_close(heap, AccessShareLock);
	}
}

static void
resolve_once(void)
{
	int			indexes = resolved.all ? CATALOG_INDEXES : PACKED_INDEXES;
	Oid			schema = get_namespace_oid("devapp", false);

	resolved.changed = false;
	version_require();
	for (int n = 0; n < indexes; n++)
		resolve_index(schema_of(n), n);
	resolve_columns(0, PACKED_ROW_COLUMNS, schema_of(PACKED_ROW_BY_SUBJECT));
	if (resolved.all)
		resolve_columns(PACKED_ROW_COLUMNS, CATALOG_COLUMNS, schema);
	if (other_part != NULL)
		other_part->resolve(schema);
}

/*
 * If a relation changes meanwhile, names are resolved once more.  If one changes then
 * too, what was found serves for now, and the next use resolves again.  No scan is
 * misled by that: it looks again when it has the lock on its table.
 */
#define RESOLVE_ATTEMPTS	2

static void
resolve_anew(bool all)
{
	ResolvedIndex indexes[CATALOG_INDEXES];
	AttrNumber	columns[CATALOG_COLUMNS];
	bool		had_some = OidIsValid(resolved.indexes[PACKED_ROW_BY_SUBJECT].table);
	bool		had_all = resolved.all;

	/* an error left a mixture, which can't tell what has changed */
	if (resolved.broken_off)
		invalidation_of_everything();
	resolved.valid = false;
	resolved.broken_off = true;
	resolved.all |= all;
	memcpy(indexes, resolved.indexes, sizeof(indexes));
	memcpy(columns, resolved.columns, sizeof(columns));
	for (int i = 0; i < RESOLVE_ATTEMPTS && (i == 0 || resolved.changed); i++)
		resolve_once();
	resolved.valid = !resolved.changed;
	resolved.broken_off = false;
	/* what was not resolved before is not what anything was built from */
	if (had_some &&
		(memcmp(indexes, resolved.indexes,
				sizeof(ResolvedIndex) * (had_all ? CATALOG_INDEXES : PACKED_INDEXES)) != 0 ||
		 memcmp(columns, resolved.columns,
				sizeof(AttrNumber) * (had_all ? CATALOG_COLUMNS : PACKED_ROW_COLUMNS)) != 0))
		invalidation_of_everything();
}

static inline void
resolve_names(bool all)
{
	if (unlikely(!resolved.valid || (all && !resolved.all)))
		resolve_anew(all);
}

/* Before something that was remembered is used: are the tables still the same? */
void
catalog_refresh(void)
{
	resolve_names(false);
}

/* ---------- what was found ---------- */

/* InvalidOid: the catalog of the release before does not have it. */
Oid
catalog_table(CatalogIndex index)
{
	resolve_names(index >= PACKED_INDEXES);
	return resolved.indexes[index].table;
}

/* InvalidAttrNumber: the catalog of the release before does not have it. */
AttrNumber
catalog_column(CatalogColumn column)
{
	resolve_names(column >= PACKED_ROW_COLUMNS);
	return resolved.columns[column];
}

/* A type of devapp's own is InvalidOid. */
Oid
catalog_type(CatalogColumn column)
{
	return column_names[column].type;
}

/* ---------- reading ---------- */

Snapshot
catalog_take_snapshot(void)
{
	return RegisterSnapshot(GetSnapshotData(&latest_snapshot));
}

/*
 * A snapshot that also sees what the command in progress has done so far.  Ending the command instead
 * (CommandCounterIncrement) would work through its invalidations, which triggers have made many of.
 */
Snapshot
catalog_take_snapshot_amid_command(void)
{
	Snapshot	snapshot = catalog_take_snapshot();

	snapshot->curcid++;
	return snapshot;
}

/*
 * How many transactions that wrote had ended when the snapshot was taken.  Two
 * snapshots of the same moment see the same rows, but for the own transaction's.
 */
uint64
catalog_snapshot_moment(void)
{
	return latest_snapshot.snapXactCompletionCount;
}

void
catalog_release_snapshot(Snapshot snapshot)
{
	UnregisterSnapshot(snapshot);
}

static void
set_keys(ScanKeyData *keys, const ResolvedIndex *r, const NullableDatum *values, int n)
{
	for (int i = 0; i < n; i++)
	{
		AttrNumber	column = (AttrNumber) (i + 1);

		if (values[i].isnull)
			ScanKeyEntryInitialize(&keys[i], SK_ISNULL | SK_SEARCHNULL, column,
								   InvalidStrategy, InvalidOid, InvalidOid, InvalidOid,
								   (Datum) 0);
		else
			ScanKeyEntryInitialize(&keys[i], 0, column, r->strategy, InvalidOid,
								   r->collations[i], r->equals[i], values[i].value);
	}
}

void
catalog_scan_begin(CatalogScan *scan, CatalogIndex index, Datum value,
				   Snapshot snapshot)
{
	NullableDatum key = {value, false};

	catalog_scan_begin_keys(scan, index, &key, 1, snapshot);
}

/*
 * For values of the first n columns of a btree; nulls are looked for like values.  A table that
 * the catalog of the release before does not have holds no rows.
 */
void
catalog_scan_begin_keys(CatalogScan *scan, CatalogIndex index,
						const NullableDatum *values, int n, Snapshot snapshot)
{
	const ResolvedIndex *r = &resolved.indexes[index];

	/*
	 * Waiting for the lock may have taken until somebody put another table or
	 * index in the place of the one that was resolved: then look again.  Under
	 * the lock on the table no index is dropped.
	 */
	for (;;)
	{
		Oid			table;

		CHECK_FOR_INTERRUPTS();
		resolve_names(index >= PACKED_INDEXES);
		table = r->table;
		if (unlikely(!OidIsValid(table)))
		{
			memset(scan, 0, sizeof(CatalogScan));
			return;
		}
		scan->heap = try_table_open(table, AccessShareLock);
		if (scan->heap == NULL)
		{
			resolved.valid = false;
			continue;
		}
		resolve_names(index >= PACKED_INDEXES);
		if (r->table == table)
			break;
		table_close(scan->heap, AccessShareLock);
	}
	scan->index = index_open(r->index, AccessShareLock);
	scan->slot = table_slot_create(scan->heap, NULL);
	scan->packed = NULL;
	set_keys(scan->keys, r, values, n);
	scan->scan = compat_index_beginscan(scan->heap, scan->index, snapshot, n);
	index_rescan(scan->scan, scan->keys, n, NULL, 0);
}

/* Look for another value in the first column of the same index, the only one that was. */
void
catalog_scan_again(CatalogScan *scan, Datum value)
{
	if (unlikely(scan->scan == NULL))
		return;
	scan->keys[0].sk_argument = value;
	index_rescan(scan->scan, scan->keys, 1, NULL, 0);
}

/*
 * The next row.  An index that is only a hint (hash) gives rows that the caller
 * must look at himself, see find_digest() in entitlement.c.
 */
bool
catalog_scan_next(CatalogScan *scan)
{
	return likely(scan->scan != NULL) && index_getnext_slot(scan->scan, ForwardScanDirection, scan->slot);
}

/* The last row in the order of a btree, in the place of the first: a scan asks for one or the other. */
bool
catalog_scan_last(CatalogScan *scan)
{
	return likely(scan->scan != NULL) && index_getnext_slot(scan->scan, BackwardScanDirection, scan->slot);
}

void
catalog_scan_end(CatalogScan *scan)
{
	if (unlikely(scan->scan == NULL))
		return;
	ExecDropSingleTupleTableSlot(scan->slot);
	index_endscan(scan->scan);
	index_close(scan->index, AccessShareLock);
	table_close(scan->heap, AccessShareLock);
}

/* Which version of a row this is: it changes with each UPDATE. */
RowVersion
catalog_row_version(CatalogScan *scan)
{
	RowVersion	version;
	bool		isnull;

	version.table = RelationGetRelid(scan->heap);
	version.tid = scan->slot->tts_tid;
	version.xmin = DatumGetTransactionId(slot_getsysattr(scan->slot,
														 MinTransactionIdAttributeNumber,
														 &isnull));
	return version;
}

Datum
catalog_value(CatalogScan *scan, CatalogColumn column, bool *isnull)
{
	if (scan->packed != NULL)
	{
		const NullableDatum *value = &scan->packed->values[column - scan->packed->first];

		*isnull = value->isnull;
		return value->value;
	}
	if (unlikely(!AttributeNumberIsValid(resolved.columns[column])))
	{
		*isnull = true;
		return (Datum) 0;
	}
	return slot_getattr(scan->slot, resolved.columns[column], isnull);
}
