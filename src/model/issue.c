/*
 * issue.c
 *		Making secrets for credentials: the one place where a plaintext exists.
 *
 * Keys are generated, digested and put into the result in this file; SQL gets
 * the digests, and the plaintext goes nowhere but into the returned rows.  The
 * buffers it was made in are wiped.  The secret of a credential of kind jwt is a token,
 * which the room of tokens makes.
 *
 * A key of ours leads to its row by the consumer key in it.  A credential that was imported
 * may have one that no key of ours can begin with; then a new key begins with a part of its
 * own, and is found as imported keys are, by its digest (import/foreign_key.c).
 *
 * Who may call and in which state of the credential is for the callers to see
 * to (sql/credential/issue.sql, sql/credential/rotation.sql), which also hold
 * the locks on the credentials' rows that keep versions apart.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/sha256_core.h"
#include "key/key.h"
#include "key/key_core.h"
#include "key/secret.h"
#include "model/issue.h"
#include "model/issued_row.h"

PG_FUNCTION_INFO_V1(devapp_issue_secret);
PG_FUNCTION_INFO_V1(devapp_issue_secrets);
PG_FUNCTION_INFO_V1(devapp_digest_to_store);

/* The digests are no parameter, because auto_explain can log those. */
static const char insert_query[] =
"INSERT INTO devapp.credential_secret"
" (credential_id, version, purpose, digest, scheme, valid_from, kid)"
" SELECT u.credential_id, u.version,"
"  CASE u.kind WHEN 'oauth_client' THEN 'client_secret' WHEN 'jwt' THEN 'token' ELSE 'api_key' END,"
"  devapp_internal.digest_to_store(u.n), u.scheme, now(), u.kid"
" FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS u(credential_id, version, kind, kid, scheme, n)";

static SPIPlanPtr insert_plan = NULL;

/* One credential whose secret is being made. */
typedef struct Issue
{
	IssuedRow  *row;
	Secret		secret;
	bool		is_foreign;		/* the secret does not lead to its row */
	SecretDigest digest;
} Issue;

/* What digest_to_store() gives; NULL while nothing is being issued. */
static const Issue *issues_to_store = NULL;
static int	nissues_to_store;

static TokenMaker make_token = NULL;

void
issue_set_token_maker(TokenMaker maker)
{
	make_token = maker;
}

/*
 * Planned once a session: planning takes several times as long as running.  Without the
 * option PostgreSQL would plan again for each array, because one of one credential looks
 * so much cheaper than one of unknown length.
 */
static SPIPlanPtr
keep_plan(const char *query, int nargs, Oid *types)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(query, nargs, types, CURSOR_OPT_GENERIC_PLAN);

	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_prepare failed for \"%s\": %s", query,
			 SPI_result_code_string(SPI_result));
	return plan;
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

/* A column of the rows, as an array. */
static Datum
column_array(const Issue *issues, int n, IssuedColumn column, Oid type)
{
	Datum	   *values = palloc(sizeof(Datum) * (size_t) Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = issues[i].row->values[column];
	return make_array(values, NULL, n, type);
}

/* The keys that signed those that are tokens. */
static Datum
kid_array(const Issue *issues, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * (size_t) Max(n, 1));
	bool	   *nulls = palloc(sizeof(bool) * (size_t) Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		nulls[i] = issues[i].secret.kid == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(issues[i].secret.kid);
	}
	return make_array(values, nulls, n, TEXTOID);
}

static Datum
scheme_array(const Issue *issues, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * (size_t) Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = CStringGetTextDatum(issues[i].is_foreign ? "sha256" : "blake2b");
	return make_array(values, NULL, n, TEXTOID);
}

static void
store_digests(const Issue *issues, int n)
{
	Oid			types[5] = {UUIDARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID};
	Datum		args[5];

	args[0] = column_array(issues, n, ISSUED_CREDENTIAL_ID, UUIDOID);
	args[1] = column_array(issues, n, ISSUED_VERSION, INT4OID);
	args[2] = column_array(issues, n, ISSUED_KIND, TEXTOID);
	args[3] = kid_array(issues, n);
	args[4] = scheme_array(issues, n);
	if (insert_plan == NULL)
		insert_plan = keep_plan(insert_query, 5, types);
	issues_to_store = issues;
	nissues_to_store = n;
	if (SPI_execute_plan(insert_plan, args, NULL, false, 0) != SPI_OK_INSERT ||
		SPI_processed != (uint64) n)
		elog(ERROR, "secret was not stored");
}

/* SQL: what insert_query stores */
Datum
devapp_digest_to_store(PG_FUNCTION_ARGS)
{
	int64		n = PG_GETARG_INT64(0);

	if (issues_to_store == NULL || n < 1 || n > nissues_to_store)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no secret is being issued"),
				 errhint("Use devapp.create_app, devapp.issue_credential or devapp.rotate_credential.")));
	PG_RETURN_DATUM(secret_digest_datum(&issues_to_store[n - 1].digest));
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
				 errhint("Issue one with expires_in.")));
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
	issues_to_store = NULL;
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

	if (desc->natts != ISSUED_COLUMNS)
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
