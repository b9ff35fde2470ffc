/*
 * bucket_columns.c
 *		The key of a bucket, as columns of SQL.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
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

/* The other way, for a bucket of the current database.  An environment that is too long is cut. */
void
bucket_key_of_columns(BucketKey *key, BucketKind kind, const NullableDatum columns[BUCKET_KEY_COLUMNS])
{
	text	   *environment = DatumGetTextPP(columns[BUCKET_KEY_ENVIRONMENT].value);
	int			len = (int) VARSIZE_ANY_EXHDR(environment);

	memset(key, 0, sizeof(BucketKey));
	key->database = MyDatabaseId;
	key->kind = kind;
	memcpy(key->app_id, DatumGetUUIDP(columns[BUCKET_KEY_APP_ID].value), BUCKET_ID_LEN);
	memcpy(key->product_id, DatumGetUUIDP(columns[BUCKET_KEY_PRODUCT_ID].value), BUCKET_ID_LEN);
	if (!columns[BUCKET_KEY_OPERATION_ID].isnull)
		memcpy(key->operation_id, DatumGetUUIDP(columns[BUCKET_KEY_OPERATION_ID].value), BUCKET_ID_LEN);
	if (len > BUCKET_ENVIRONMENT_LEN)
		len = pg_mbcliplen(VARDATA_ANY(environment), len, BUCKET_ENVIRONMENT_LEN);
	memcpy(key->environment, VARDATA_ANY(environment), (Size) len);
}
