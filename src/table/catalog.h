/*
 * catalog.h
 *		Where the tables of the model are, and how to read them.
 */
#ifndef DEVAPP_CATALOG_H
#define DEVAPP_CATALOG_H

#include "postgres.h"

#include "access/attnum.h"
#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

/* The indexes that are read in C; each names its table as well. */
typedef enum CatalogIndex
{
	PACKED_ROW_BY_SUBJECT,
	DEVELOPER_BY_ID,
	TEAM_BY_ID,
	PRODUCT_BY_ID,
	PRODUCT_BY_NAME,
	OPERATION_BY_PRODUCT,
	APP_BY_ID,
	CREDENTIAL_BY_ID,
	CREDENTIAL_BY_KEY,
	CREDENTIAL_BY_APP,
	SECRET_BY_CREDENTIAL,
	SECRET_BY_DIGEST,
	SECRET_BY_FOREIGN_PURPOSE,
	CREDENTIAL_PRODUCT_BY_CREDENTIAL,
	APP_QUOTA_BY_APP,
	QUOTA_USAGE_BY_BUCKET,
	APPROVAL_SETTING_BY_NAME,
	SIGNING_KEY_BY_KID,
	SIGNING_KEY_ACTIVE,
	SEALED_KEY_BY_SUBJECT,
	REVOKED_TOKEN_BY_ID,
	TOKEN_ISSUER_BY_ISSUER,
	DEVELOPER_BY_EMAIL,
	TEAM_BY_NAME,
	APP_BY_DEVELOPER,
	APP_BY_TEAM
} CatalogIndex;

#define CATALOG_INDEXES (APP_BY_TEAM + 1)

/* The columns that are read in C, by table; those that lead to a row come first. */
typedef enum CatalogColumn
{
	PACKED_ROW_SUBJECT,
	PACKED_ROW_KIND,
	PACKED_ROW_ITEM,
	PACKED_ROW_BODY,
	DEVELOPER_ID,
	DEVELOPER_EMAIL,
	DEVELOPER_STATUS,
	DEVELOPER_DELETED_AT,
	TEAM_ID,
	TEAM_NAME,
	TEAM_STATUS,
	PRODUCT_ID,
	PRODUCT_NAME,
	PRODUCT_ENVIRONMENTS,
	PRODUCT_PROXIES,
	PRODUCT_SCOPES,
	PRODUCT_QUOTA_LIMIT,
	PRODUCT_QUOTA_INTERVAL,
	PRODUCT_QUOTA_UNIT,
	PRODUCT_QUOTA_ENFORCEMENT,
	PRODUCT_TIME_ZONE,
	PRODUCT_RATE_LIMIT,
	PRODUCT_RATE_BURST,
	PRODUCT_TRAILING_SLASH,
	OPERATION_PRODUCT_ID,
	OPERATION_ID,
	OPERATION_RESOURCE,
	OPERATION_METHODS,
	OPERATION_PROXY,
	OPERATION_QUOTA_LIMIT,
	OPERATION_QUOTA_INTERVAL,
	OPERATION_QUOTA_UNIT,
	APP_ID,
	APP_DEVELOPER_ID,
	APP_TEAM_ID,
	APP_NAME,
	APP_STATUS,
	APP_SCOPES,
	APP_ALLOWED_CIDRS,
	CREDENTIAL_KIND,
	CREDENTIAL_ID,
	CREDENTIAL_APP_ID,
	CREDENTIAL_CONSUMER_KEY,
	CREDENTIAL_ENVIRONMENT,
	CREDENTIAL_STATUS,
	CREDENTIAL_SCOPES,
	CREDENTIAL_ALLOWED_CIDRS,
	CREDENTIAL_EXPIRES_AT,
	CREDENTIAL_DELETED_AT,
	SECRET_ID,
	SECRET_CREDENTIAL_ID,
	SECRET_PURPOSE,
	SECRET_DIGEST,
	SECRET_VERSION,
	SECRET_VALID_FROM,
	SECRET_SUPERSEDED_AT,
	SECRET_VALID_UNTIL,
	SECRET_ENDED_AT,
	CREDENTIAL_PRODUCT_CREDENTIAL_ID,
	CREDENTIAL_PRODUCT_REMOVED_AT,
	CREDENTIAL_PRODUCT_ORDINAL,
	CREDENTIAL_PRODUCT_PRODUCT_ID,
	CREDENTIAL_PRODUCT_STATUS,
	APP_QUOTA_APP_ID,
	APP_QUOTA_PRODUCT_ID,
	APP_QUOTA_QUOTA_LIMIT,
	APP_QUOTA_QUOTA_INTERVAL,
	APP_QUOTA_QUOTA_UNIT,
	APP_QUOTA_RATE_LIMIT,
	APP_QUOTA_RATE_BURST,
	APP_QUOTA_UNTIL,
	QUOTA_USAGE_WINDOW_START,
	QUOTA_USAGE_WINDOW_END,
	QUOTA_USAGE_USED,
	QUOTA_USAGE_RESETS,
	QUOTA_USAGE_RESERVED,
	APPROVAL_SETTING_VALUE,
	SIGNING_KEY_KID,
	SIGNING_KEY_KEY_ID,
	SIGNING_KEY_ALG,
	SIGNING_KEY_STATUS,
	SIGNING_KEY_JWK,
	SIGNING_KEY_VERIFY_UNTIL,
	SIGNING_KEY_COMPROMISED_AT,
	SIGNING_KEY_LONGEST_LIFETIME,
	SEALED_KEY_SUBJECT,
	SEALED_KEY_SEALED,
	REVOKED_TOKEN_ID,
	TOKEN_ISSUER_ISSUER,
	TOKEN_ISSUER_ISSUER_ID,
	TOKEN_ISSUER_JWKS,
	TOKEN_ISSUER_SECRETS,
	TOKEN_ISSUER_AUDIENCE,
	TOKEN_ISSUER_CLAIM,
	TOKEN_ISSUER_NAMES,
	TOKEN_ISSUER_IS_ACTIVE
} CatalogColumn;

#define CATALOG_COLUMNS (TOKEN_ISSUER_IS_ACTIVE + 1)

/* columns of an index that can be looked for */
#define CATALOG_KEYS	4

/* the most columns that are packed of a row */
#define PACKED_COLUMNS	16

/* What the packed row says that a scan is on, see packed_row.c. */
typedef struct PackedRow
{
	const pg_uuid_t *subject;	/* that is looked for */
	char		kind;
	CatalogColumn first;		/* whose value is the first one */
	NullableDatum values[PACKED_COLUMNS];	/* they point into body */
	bool		has_no_quota;	/* of an app: no quota of its own */
	char	   *body;
	Size		size;
	Size		room;
} PackedRow;

/* An index scan for values of the first columns of an index. */
typedef struct CatalogScan
{
	Relation	heap;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ScanKeyData keys[CATALOG_KEYS];
	PackedRow  *packed;			/* NULL: the rows are those of the table itself */
} CatalogScan;

typedef struct RowVersion
{
	Oid			table;
	ItemPointerData tid;
	TransactionId xmin;
} RowVersion;

/* What another file finds by name; resolve() is told the schema, and may fail. */
typedef struct CatalogPart
{
	void		(*resolve) (Oid schema);
	bool		(*is_part) (Oid relid);
} CatalogPart;

extern void catalog_init(void);
extern void catalog_add_part(const CatalogPart *part);
extern void catalog_refresh(void);

extern Snapshot catalog_take_snapshot(void);
extern Snapshot catalog_take_snapshot_amid_command(void);
extern uint64 catalog_snapshot_moment(void);
extern void catalog_release_snapshot(Snapshot snapshot);

extern void catalog_scan_begin(CatalogScan *scan, CatalogIndex index,
							   Datum value, Snapshot snapshot);
extern void catalog_scan_begin_keys(CatalogScan *scan, CatalogIndex index,
									const NullableDatum *values, int n,
									Snapshot snapshot);
extern void catalog_scan_again(CatalogScan *scan, Datum value);
extern bool catalog_scan_next(CatalogScan *scan);
extern bool catalog_scan_last(CatalogScan *scan);
extern void catalog_scan_end(CatalogScan *scan);
extern Datum catalog_value(CatalogScan *scan, CatalogColumn column,
						   bool *isnull);

extern RowVersion catalog_row_version(CatalogScan *scan);

extern Oid	catalog_table(CatalogIndex index);
extern AttrNumber catalog_column(CatalogColumn column);
extern Oid	catalog_type(CatalogColumn column);

#endif							/* DEVAPP_CATALOG_H */
