/*
 * bucket_columns.h
 *		The key of a bucket, as columns of SQL.
 */
#ifndef DEVAPP_BUCKET_COLUMNS_H
#define DEVAPP_BUCKET_COLUMNS_H

#include "postgres.h"

#include "quota/bucket_core.h"

enum
{
	BUCKET_KEY_APP_ID,
	BUCKET_KEY_PRODUCT_ID,
	BUCKET_KEY_OPERATION_ID,
	BUCKET_KEY_ENVIRONMENT,
	BUCKET_KEY_COLUMNS
};

extern void bucket_key_of_columns(BucketKey *key, BucketKind kind,
								  const NullableDatum columns[BUCKET_KEY_COLUMNS]);
extern void bucket_key_columns(const BucketKey *key,
							   NullableDatum columns[BUCKET_KEY_COLUMNS]);

#endif							/* DEVAPP_BUCKET_COLUMNS_H */
