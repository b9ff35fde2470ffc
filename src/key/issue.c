/*
 * issue.c
 *		Making a secret for a credential: the one place where a plaintext exists.
 *
 * The key is generated, digested and put into the result in this file; SQL gets
 * the digest, and the plaintext goes nowhere but into the returned row.  The
 * buffers it was made in are wiped.
 *
 * Who may call and in which state of the credential is for the callers to see
 * to (sql/credential/issue.sql, sql/credential/rotation.sql), which also hold
 * the lock on the credential's row that keeps versions apart.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "key/key.h"
#include "key/key_core.h"
#include "key/secret.h"

PG_FUNCTION_INFO_V1(devapp_issue_secret);
PG_FUNCTION_INFO_V1(devapp_digest_to_store);

/* The columns of devapp.issued_credential, as sql/credential/types.sql. */
enum
{
	ISSUED_KIND = 4,
	ISSUED_CONSUMER_KEY = 5,
	ISSUED_SECRET = 6,
	ISSUED_VERSION = 7,
	ISSUED_COLUMNS = 13
};

/* Everything of the row but the secret. */
static const char describe_query[] =
"SELECT c.app_id, a.status, c.credential_id, c.kind, c.consumer_key, NULL::text,"
" (SELECT coalesce(max(s.version), 0) + 1 FROM devapp.credential_secret s"
"   WHERE s.credential_id = c.credential_id),"
" c.status, c.environment,"
" ARRAY(SELECT p.name FROM devapp.credential_product cp"
"   JOIN devapp.product p ON p.product_id = cp.product_id"
"   WHERE cp.credential_id = c.credential_id AND cp.removed_at IS NULL"
"   ORDER BY cp.ordinal),"
" c.expires_at, $2::timestamptz,"
" nullif(ARRAY(SELECT p.name FROM devapp.credential_product cp"
"   JOIN devapp.product p ON p.product_id = cp.product_id"
"   WHERE cp.credential_id = c.credential_id AND cp.status = 'pending' AND cp.removed_at IS NULL"
"   ORDER BY p.name COLLATE \"C\"), '{}')"
" FROM devapp.credential c JOIN devapp.app a ON a.app_id = c.app_id"
" WHERE c.credential_id = $1";

/* The digest is no parameter, because auto_explain can log those. */
static const char insert_query[] =
"INSERT INTO devapp.credential_secret"
" (credential_id, version, purpose, digest, scheme, valid_from)"
" VALUES ($1, $2, $3, devapp_internal.digest_to_store(), 'blake2b', now())";

static SPIPlanPtr describe_plan = NULL;
static SPIPlanPtr insert_plan = NULL;

static const SecretDigest *digest_to_store = NULL;

typedef struct IssuedRow
{
	Datum		values[ISSUED_COLUMNS];
	bool		nulls[ISSUED_COLUMNS];
} IssuedRow;

/* Planned once a session: planning takes several times as long as running. */
static SPIPlanPtr
keep_plan(const char *query, int nargs, Oid *types)
{
	SPIPlanPtr	plan = SPI_prepare(query, nargs, types);

	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_prepare failed for \"%s\": %s", query,
			 SPI_result_code_string(SPI_result));
	return plan;
}

static void
describe_credential(Datum credential_id, NullableDatum previous, IssuedRow *row)
{
	Oid			types[2] = {UUIDOID, TIMESTAMPTZOID};
	Datum		args[2] = {credential_id, previous.value};
	char		nulls[2] = {' ', previous.isnull ? 'n' : ' '};

	if (describe_plan == NULL)
		describe_plan = keep_plan(describe_query, 2, types);
	if (SPI_execute_plan(describe_plan, args, nulls, false, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "credential not found");
	heap_deform_tuple(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
					  row->values, row->nulls);
}

static void
store_digest(Datum credential_id, const IssuedRow *row, const SecretDigest *digest)
{
	Oid			types[3] = {UUIDOID, INT4OID, TEXTOID};
	bool		client = strcmp(TextDatumGetCString(row->values[ISSUED_KIND - 1]),
								"oauth_client") == 0;
	Datum		args[3];

	args[0] = credential_id;
	args[1] = row->values[ISSUED_VERSION - 1];
	args[2] = CStringGetTextDatum(client ? "client_secret" : "api_key");
	digest_to_store = digest;
	if (insert_plan == NULL)
		insert_plan = keep_plan(insert_query, 3, types);
	if (SPI_execute_plan(insert_plan, args, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "secret was not stored");
}

/* SQL: what insert_query stores */
Datum
devapp_digest_to_store(PG_FUNCTION_ARGS)
{
	if (digest_to_store == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no secret is being issued"),
				 errhint("Use devapp.create_app, devapp.issue_credential or devapp.rotate_credential.")));
	PG_RETURN_DATUM(secret_digest_datum(digest_to_store));
}

/* Form the result where it outlives SPI. */
static Datum
form_result(TupleDesc desc, IssuedRow *row, const char *key, size_t key_len)
{
	text	   *secret = cstring_to_text_with_len(key, (int) key_len);
	HeapTuple	made;
	HeapTupleHeader result;

	row->values[ISSUED_SECRET - 1] = PointerGetDatum(secret);
	row->nulls[ISSUED_SECRET - 1] = false;
	made = heap_form_tuple(desc, row->values, row->nulls);
	sodium_memzero(VARDATA(secret), key_len);
	result = SPI_returntuple(made, desc);
	sodium_memzero(made->t_data, made->t_len);
	return PointerGetDatum(result);
}

/* Make a key, store its digest, return the row with the key in it. */
static Datum
make_secret(Datum credential_id, TupleDesc desc, IssuedRow *row)
{
	text	   *consumer = DatumGetTextPP(row->values[ISSUED_CONSUMER_KEY - 1]);
	char		key[KEY_MAX + 1];
	size_t		key_len;
	uint8		sha256[SHA256_LEN];
	SecretDigest digest;
	volatile Datum result;

	PG_TRY();
	{
		key_len = key_generate(VARDATA_ANY(consumer),
							   VARSIZE_ANY_EXHDR(consumer), key);
		secret_sha256(key, key_len, sha256);
		secret_digest_new(sha256, &digest);
		store_digest(credential_id, row, &digest);
		result = form_result(desc, row, key, key_len);
	}
	PG_FINALLY();
	{
		sodium_memzero(key, sizeof(key));
		sodium_memzero(sha256, sizeof(sha256));
		sodium_memzero(&digest, sizeof(digest));
		digest_to_store = NULL;
	}
	PG_END_TRY();
	return result;
}

/* issue_secret(credential_id, previous_valid_until) */
Datum
devapp_issue_secret(PG_FUNCTION_ARGS)
{
	NullableDatum previous = {PG_GETARG_DATUM(1), PG_ARGISNULL(1)};
	TupleDesc	desc;
	IssuedRow	row;
	Datum		result;

	if (PG_ARGISNULL(0))
		elog(ERROR, "credential not found");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != ISSUED_COLUMNS)
		elog(ERROR, "return type must be devapp.issued_credential");

	SPI_connect();
	describe_credential(PG_GETARG_DATUM(0), previous, &row);
	result = make_secret(PG_GETARG_DATUM(0), BlessTupleDesc(desc), &row);
	SPI_finish();
	PG_RETURN_DATUM(result);
}
