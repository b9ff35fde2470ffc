/*
 * packed_row.h
 *		The rows of the model as verification reads them.
 */
#ifndef DEVAPP_PACKED_ROW_H
#define DEVAPP_PACKED_ROW_H

#include "postgres.h"

#include "utils/uuid.h"

#include "base/str.h"
#include "table/catalog.h"

/* What is packed.  Those that others belong to have capital letters. */
#define PACKED_APP					'A'
#define PACKED_CREDENTIAL			'C'
#define PACKED_DEVELOPER			'D'
#define PACKED_PRODUCT				'P'
#define PACKED_TEAM					'T'
#define PACKED_APP_QUOTA			'a'
#define PACKED_CREDENTIAL_PRODUCT	'p'
#define PACKED_OPERATION			'o'
#define PACKED_SECRET				's'

extern bool packed_rows_serve(void);
extern pg_uuid_t packed_subject_of_key(Str consumer_key);
extern pg_uuid_t packed_subject_of_credential(const pg_uuid_t *id);
extern void packed_scan_begin(CatalogScan *scan, PackedRow *row,
							  const pg_uuid_t *subject, Snapshot snapshot);
extern void packed_scan_again(CatalogScan *scan, const pg_uuid_t *subject);
extern bool packed_scan_next(CatalogScan *scan);
extern bool packed_scan_next_of(CatalogScan *scan, char kind);
extern bool packed_scan_beside(CatalogScan *scan, const pg_uuid_t *subject, char kind);
extern bool packed_scan_only(CatalogScan *scan, const pg_uuid_t *subject, char kind);

#endif							/* DEVAPP_PACKED_ROW_H */
