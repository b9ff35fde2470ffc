/*
 * bucket_columns.c
 *		The key of a bucket, as columns of SQL.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "quota/bucket_columns.h"

/* The ids point into the key; an operation's is NULL where the quota is the product's. */
void
bucket_key_columns(const BucketKey *key, NullableDatum columns[BUCKET_KEY_COLUMNS])
{
	static const uint8 none[BUCKET_ID_LEN] = {0};
	int			len = (int) strnlen(key->environment, BUCKET_ENVIRONMENT_LEN);

	columns[BUCKET_KEY_APP_ID] = (NullableDatum)
	{
		UUIDPGetDatum((const pg_uuid_t *) key->app_id), false
	};
	columns[BUCKET_KEY_PRODUCT_ID] = (NullableDatum)
	{
		UUIDPGetDatum((const pg_uuid_t *) key->product_id), false
	};
	columns[BUCKET_KEY_OPERATION_ID] = (NullableDatum)
	{
		UUIDPGetDatum((const pg_uuid_t *) key->operation_id),
			memcmp(key->operation_id, none, BUCKET_ID_LEN) == 0
	};
	columns[BUCKET_KEY_ENVIRONMENT] = (NullableDatum)
	{
		PointerGetDatum(cstring_to_text_with_len(key->environment, len)), false
	};
}
