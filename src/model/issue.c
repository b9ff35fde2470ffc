/*
 * issue.c
 *		Making secrets for credentials: the one place where a plaintext exists.
 *
 * Keys are generated, digested, stored and put into the result in this file; no statement
 * has a digest as a parameter, and the plaintext goes nowhere but into the returned rows.  The
 * buffers it was made in are wiped.  The secret of a credential of kind jwt is a token,
 * which the room of tokens makes.
 *
 * A key of ours leads to its row by the consumer key in it.  A credential that was imported
 * may have one that no key of ours can begin with; then a new key begins with a part of its
 * own, and is found as imported keys are, by its digest (import/foreign_key.c).
 *
 * Who may call and in which state of the credential is for the callers to see
 * to (sql/credential/issue.sql, sql/credential/rotation.sql).  They have just made the
 * credentials' rows, or hold the locks on them that keep versions apart.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/sha256_core.h"
#include "base/uuid.h"
#include "base/version.h"
#include "key/key.h"
#include "key/key_core.h"
#include "key/secret.h"
#include "model/issue.h"
#include "model/issued_row.h"
#include "table/row_writer.h"

PG_FUNCTION_INFO_V1(devapp_issue_secret);
PG_FUNCTION_INFO_V1(devapp_issue_secrets);

/* One credential whose secret is being made. */
typedef struct Issue
{
	IssuedRow  *row;
	Secret		secret;
	bool		is_foreign;		/* the secret does not lead to its row */
	SecretDigest digest;
} Issue;

static TokenMaker make_token = NULL;

void
issue_set_token_maker(TokenMaker maker)
{
	make_token = maker;
}

static Datum
make_array(Datum *values, bool *nulls, int n, Oid type)
{
	int			dims[1] = {n};
	int			lower[1] = {1};
	int16		len;
	bool		byval;
	char		align;

	get_typlenbyvalalign(type, &len, &byval, &align);
	return PointerGetDatum(construct_md_array(values, nulls, 1, dims, lower,
											  type, len, byval, align));
}

static const char *
purpose_of(const IssuedRow *row)
{
	text	   *kind = DatumGetTextPP(row->values[ISSUED_KIND]);
	Str			s = {VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind)};

	return str_is(s, "oauth_client") ? "client_secret" : str_is(s, "jwt") ? "token" : "api_key";
}

static void
set_text(RowWriter *writer, const char *column, const char *value)
{
	if (value == NULL)
		row_writer_set_null(writer, column);
	else
		row_writer_set(writer, column, TEXTOID, CStringGetTextDatum(value));
}

static void
store_digest(RowWriter *writer, const Issue *issue)
{
	pg_uuid_t	secret_id;

	uuid_require_v7(&secret_id);
	row_writer_begin_row(writer);
	row_writer_set(writer, "secret_id", UUIDOID, UUIDPGetDatum(&secret_id));
	row_writer_set(writer, "credential_id", UUIDOID, issue->row->values[ISSUED_CREDENTIAL_ID]);
	row_writer_set(writer, "version", INT4OID, issue->row->values[ISSUED_VERSION]);
	set_text(writer, "purpose", purpose_of(issue->row));
	row_writer_set_own(writer, SECRET_DIGEST, secret_digest_datum(&issue->digest));
	set_text(writer, "scheme", issue->is_foreign ? "sha256" : "blake2b");
	row_writer_set(writer, "valid_from", TIMESTAMPTZOID,
				   TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	row_writer_set_null(writer, "superseded_at");
	row_writer_set_null(writer, "valid_until");
	row_writer_set_null(writer, "ended_at");
	set_text(writer, "kid", issue->secret.kid);
	if (!row_writer_put(writer))
		elog(ERROR, "secret was not stored");
	row_writer_require_id(writer, "credential_id", issue->row->values[ISSUED_CREDENTIAL_ID]);
}

/* In one statement: its triggers are called once. */
static void
store_digests(const Issue *issues, int n)
{
	RowWriter	writer;

	row_writer_open(&writer, SECRET_BY_CREDENTIAL);
	row_writer_trust(&writer, "credential_secret_credential_id_fkey");
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		store_digest(&writer, &issues[i]);
	}
	row_writer_close(&writer);
}

static Secret
generate_key(Str consumer)
{
	Secret		secret = {.bytes = palloc(KEY_MAX + 1)};

	secret.len = key_generate(consumer.data, consumer.len, secret.bytes);
	return secret;
}

static bool
is_token(const Issue *issue)
{
	text	   *kind = DatumGetTextPP(issue->row->values[ISSUED_KIND]);

	return str_is((Str) {VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind)}, "jwt");
}

/* A key for a credential whose consumer key no key of ours begins with. */
static Secret
generate_foreign_key(const IssuedRow *row)
{
	char	   *environment = row->nulls[ISSUED_ENVIRONMENT] ? "live" :
		TextDatumGetCString(row->values[ISSUED_ENVIRONMENT]);
	char		consumer[KEY_CONSUMER_MAX + 1];
	size_t		len = key_new_consumer(environment, strlen(environment), consumer);

	return generate_key((Str) {consumer, len});
}

static void
generate_secret(Issue *issue)
{
	text	   *key = DatumGetTextPP(issue->row->values[ISSUED_CONSUMER_KEY]);
	Str			consumer = {VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)};
	ParsedKey	parsed;

	issue->is_foreign = !is_token(issue) &&
		key_parse_consumer(consumer.data, consumer.len, &parsed) != KEY_OK;
	if (issue->is_foreign)
		issue->secret = generate_foreign_key(issue->row);
	else if (!is_token(issue))
		issue->secret = generate_key(consumer);
	else if (issue->row->nulls[ISSUED_EXPIRES_AT])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a credential of kind jwt must expire"),
				 errhint("Give expires_in, like '90 days'.")));
	else
		issue->secret = make_token(consumer, DatumGetTimestampTz(issue->row->values[ISSUED_EXPIRES_AT]));
}

static void
generate_secrets(Issue *issues, int n)
{
	uint8		sha256[SHA256_LEN];

	for (int i = 0; i < n; i++)
	{
		generate_secret(&issues[i]);
		sha256_of(issues[i].secret.bytes, issues[i].secret.len, sha256);
		secret_digest_new(SECRET_BLAKE2B, sha256, &issues[i].digest);
	}
	sodium_memzero(sha256, sizeof(sha256));
}

/* The row with the secret in it. */
static HeapTuple
form_row(TupleDesc desc, Issue *issue)
{
	text	   *secret = cstring_to_text_with_len(issue->secret.bytes, (int) issue->secret.len);
	HeapTuple	made;

	issue->row->values[ISSUED_SECRET] = PointerGetDatum(secret);
	issue->row->nulls[ISSUED_SECRET] = false;
	made = heap_form_tuple(desc, issue->row->values, issue->row->nulls);
	sodium_memzero(VARDATA(secret), issue->secret.len);
	return made;
}

/* Form the result where it outlives SPI: a row, or an array of them. */
static Datum
form_one(TupleDesc desc, Issue *issue)
{
	HeapTuple	made = form_row(desc, issue);
	HeapTupleHeader result = SPI_returntuple(made, desc);

	sodium_memzero(made->t_data, made->t_len);
	return PointerGetDatum(result);
}

static Datum
form_array(TupleDesc desc, Issue *issues, int n, MemoryContext result_context)
{
	Datum	   *rows = palloc(sizeof(Datum) * (size_t) Max(n, 1));
	MemoryContext spi_context;
	Datum		array;

	for (int i = 0; i < n; i++)
	{
		HeapTuple	made = form_row(desc, &issues[i]);

		rows[i] = heap_copy_tuple_as_datum(made, desc);
		sodium_memzero(made->t_data, made->t_len);
	}
	spi_context = MemoryContextSwitchTo(result_context);
	array = make_array(rows, NULL, n, desc->tdtypeid);
	MemoryContextSwitchTo(spi_context);
	for (int i = 0; i < n; i++)
	{
		HeapTupleHeader row = DatumGetHeapTupleHeader(rows[i]);

		sodium_memzero(row, HeapTupleHeaderGetDatumLength(row));
	}
	return array;
}

/*
 * Make a secret for each credential, store its digest, return the rows with the secrets
 * in them: an array, or the one row itself where the function returns that.
 */
static Datum
make_secrets(Issue *issues, int n, TupleDesc desc, bool as_array,
			 MemoryContext result_context)
{
	generate_secrets(issues, n);
	store_digests(issues, n);
	return as_array ? form_array(desc, issues, n, result_context) :
		form_one(desc, &issues[0]);
}

static void
wipe_issues(Issue *issues, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (issues[i].secret.bytes != NULL)
			sodium_memzero(issues[i].secret.bytes, issues[i].secret.len);
	}
	sodium_memzero(issues, sizeof(Issue) * (size_t) n);
}

/* The same, and whatever happens, the secrets are wiped. */
static Datum
make_and_wipe(Issue *issues, int n, TupleDesc desc, bool as_array,
			  MemoryContext result_context)
{
	Datum		result = (Datum) 0;

	PG_TRY();
	{
		result = make_secrets(issues, n, desc, as_array, result_context);
	}
	PG_CATCH();
	{
		wipe_issues(issues, n);
		PG_RE_THROW();
	}
	PG_END_TRY();
	wipe_issues(issues, n);
	return result;
}

static Issue *
prepare_issues(const Datum *credential_ids, const NullableDatum *previous, int n)
{
	Issue	   *issues = palloc0(sizeof(Issue) * (size_t) Max(n, 1));
	IssuedRow  *rows = palloc(sizeof(IssuedRow) * (size_t) Max(n, 1));

	issued_row_describe(rows, credential_ids, previous, n);
	for (int i = 0; i < n; i++)
		issues[i].row = &rows[i];
	return issues;
}

/* What is prepared lives as long as the SPI connection. */
static Datum
issue_secrets(const Datum *credential_ids, const NullableDatum *previous, int n, TupleDesc desc,
			  bool as_array)
{
	MemoryContext result_context = CurrentMemoryContext;
	Issue	   *issues;
	Datum		result;

	/* The type of the previous release may have fewer columns. */
	if (desc->natts > ISSUED_COLUMNS || (desc->natts < ISSUED_COLUMNS && !version_is_previous()))
		elog(ERROR, "return type must be devapp.issued_credential");
	SPI_connect();
	issues = prepare_issues(credential_ids, previous, n);
	result = make_and_wipe(issues, n, desc, as_array, result_context);
	SPI_finish();
	return result;
}

/* issue_secret(credential_id, previous_valid_until) */
Datum
devapp_issue_secret(PG_FUNCTION_ARGS)
{
	Datum		credential_id = PG_GETARG_DATUM(0);
	NullableDatum previous = {PG_GETARG_DATUM(1), PG_ARGISNULL(1)};
	TupleDesc	desc;

	if (PG_ARGISNULL(0))
		elog(ERROR, "credential not found");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be devapp.issued_credential");
	PG_RETURN_DATUM(issue_secrets(&credential_id, &previous, 1, BlessTupleDesc(desc), false));
}

/* issue_secrets(credential_ids, previous_valid_until) */
Datum
devapp_issue_secrets(PG_FUNCTION_ARGS)
{
	Oid			row_type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	Datum	   *credential_ids;
	Datum	   *moments;
	bool	   *no_moments;
	NullableDatum *previous;
	int			n;
	int			nmoments;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		elog(ERROR, "credential not found");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), UUIDOID, UUID_LEN, false, TYPALIGN_CHAR,
					  &credential_ids, NULL, &n);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TIMESTAMPTZOID, sizeof(TimestampTz), true, TYPALIGN_DOUBLE,
					  &moments, &no_moments, &nmoments);
	if (nmoments != n)
		elog(ERROR, "credentials and moments are not of the same number");
	previous = palloc(sizeof(NullableDatum) * (size_t) Max(n, 1));
	for (int i = 0; i < n; i++)
		previous[i] = (NullableDatum) {moments[i], no_moments[i]};
	PG_RETURN_DATUM(issue_secrets(credential_ids, previous, n,
								  lookup_rowtype_tupdesc_copy(row_type, -1), true));
}
