/*
 * import_credential.c
 *		Taking over a key, or a client id and secret, that another system made.
 *
 * The secret, or its hash, does not leave this file: it is digested here, and the SQL that stores
 * the rows (sql/import/credential.sql) gets the digest from imported_digest().  So neither is ever
 * a parameter of a statement, which extensions can log, and no error shows one.
 *
 * The credentials of a whole document, whose secrets are in document.c, are digested one by one and
 * numbered (hold_imported()), and the SQL that stores many of them in a statement (sql/import/store.sql) asks by the numbers.
 *
 * An existing key is looked up by its digest, and no index prevents a second one.  So imports wait
 * for one another, to the end of their transactions.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/name.h"
#include "base/sha256_core.h"
#include "base/sodium.h"
#include "base/str.h"
#include "import/document.h"
#include "import/exported_digest.h"
#include "import/foreign_key.h"
#include "import/imported.h"
#include "import/secret_form_core.h"
#include "import/sha512_256_core.h"
#include "import/slow_hash.h"
#include "import/strength_core.h"
#include "key/key.h"
#include "key/key_core.h"
#include "key/mask.h"
#include "key/secret.h"

PG_FUNCTION_INFO_V1(devapp_import_credential);
PG_FUNCTION_INFO_V1(devapp_imported_digest);
PG_FUNCTION_INFO_V1(devapp_imported_digests);
PG_FUNCTION_INFO_V1(devapp_hold_imported);
PG_FUNCTION_INFO_V1(devapp_drop_imported);
PG_FUNCTION_INFO_V1(devapp_lock_imports);

/* How many credentials of a document there is room for at first. */
#define HELD_FIRST		1024

/* The arguments of import_credential(). */
enum
{
	ARG_APP,
	ARG_CONSUMER_KEY,
	ARG_CONSUMER_SECRET,
	ARG_SECRET_HASH,
	ARG_SCHEME,
	ARG_PRODUCTS,
	ARG_KIND,
	ARG_ENVIRONMENT,
	ARG_EXPIRES_IN,
	ARG_ATTRIBUTES,
	ARG_WEAK,
	ARG_SCOPES,
	ARG_LABEL,
	ARG_NOTE
};

/* The arguments; data is NULL where one was not given. */
typedef struct Given
{
	Str			consumer_key;
	Str			consumer_secret;
	Str			secret_hash;
	Str			scheme;
	Str			kind;
	Str			environment;
	bool		weak;
} Given;

/* What is stored. */
typedef struct Imported
{
	const char *kind;
	const char *scheme;
	text	   *consumer_key;
	Datum		digest;			/* of the type devapp.secret_digest */
	bool		is_digest;		/* nothing else is known, so an equal secret has this digest */
	/* by which an equal secret may be stored */
	bool		has_sha256;
	bool		has_sha512_256;
	uint8		sha256[SHA256_LEN];
	uint8		sha512_256[SHA512_256_LEN];
} Imported;

/* The credentials that the running SQL may ask for, numbered from 1; NULL: nothing is being imported. */
static const Imported *importing = NULL;
static int	nimporting = 0;

/* The credentials of a whole document (hold_imported()), in a memory context of their own, or NULL. */
static MemoryContext held_context = NULL;
static Imported *held = NULL;
static int	nheld_max = 0;

/* ---------- arguments ---------- */

static Str
text_given(FunctionCallInfo fcinfo, int n)
{
	text	   *t;

	if (PG_ARGISNULL(n))
		return (Str) {NULL, 0};
	t = PG_GETARG_TEXT_PP(n);
	return (Str) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

/* A client could not present a text that is empty or too long. */
static void
check_length(const char *argument, Str value)
{
	if (value.data == NULL || (value.len > 0 && value.len <= FOREIGN_KEY_MAX))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 value.len == 0 ? errmsg("%s must not be empty", argument) : errmsg("%s is too long", argument),
			 errhint("Give 1 to %d bytes.", FOREIGN_KEY_MAX)));
}

static compat_noreturn void
refuse_combination(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("these arguments do not define a credential"),
			 errhint("Give consumer_key alone, consumer_key with consumer_secret or secret_hash, or secret_hash alone.")));
}

static void
check_given(Given *given)
{
	check_length("consumer_key", given->consumer_key);
	check_length("consumer_secret", given->consumer_secret);
	check_length("secret_hash", given->secret_hash);
	if (given->scheme.data == NULL)
		given->scheme = (Str) {"plain", strlen("plain")};
	if ((given->consumer_key.data == NULL && given->secret_hash.data == NULL) ||
		(given->consumer_secret.data != NULL &&
		 (given->consumer_key.data == NULL || given->secret_hash.data != NULL)))
		refuse_combination();
}

static Given
read_given(FunctionCallInfo fcinfo)
{
	Given		given = {
		.consumer_key = text_given(fcinfo, ARG_CONSUMER_KEY),
		.consumer_secret = text_given(fcinfo, ARG_CONSUMER_SECRET),
		.secret_hash = text_given(fcinfo, ARG_SECRET_HASH),
		.scheme = text_given(fcinfo, ARG_SCHEME),
		.kind = text_given(fcinfo, ARG_KIND),
		.environment = text_given(fcinfo, ARG_ENVIRONMENT),
		.weak = !PG_ARGISNULL(ARG_WEAK) && PG_GETARG_BOOL(ARG_WEAK)
	};

	check_given(&given);
	return given;
}

static bool
is_exported(const Given *given)
{
	return str_equal_nocase(given->scheme, "devapp", strlen("devapp"));
}

/* A digest of devapp comes with the public name that its API key already has, if the kind says so. */
static bool
is_named_key(const Given *given)
{
	return is_exported(given) && given->kind.data != NULL &&
		str_equal_nocase(given->kind, "api_key", strlen("api_key"));
}

/* A secret with a client id makes an OAuth client, and one that is presented alone an API key. */
static const char *
kind_of(const Given *given)
{
	bool		alone = given->consumer_secret.data == NULL &&
		(given->consumer_key.data == NULL || given->secret_hash.data == NULL || is_named_key(given));
	const char *kind = alone ? "api_key" : "oauth_client";

	if (given->kind.data != NULL && !str_equal_nocase(given->kind, kind, strlen(kind)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("these arguments define a credential of kind %s", kind),
				 alone ?
				 errhint("An oauth_client has a consumer_key with a consumer_secret or secret_hash.") :
				 errhint("An api_key has a consumer_key or a secret_hash alone.")));
	return kind;
}

/* ---------- the secret ---------- */

static void
require_strength(const char *argument, Str secret, bool weak)
{
	int			bits = strength_bits(secret.data, secret.len);

	if (bits >= STRENGTH_MIN || weak)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s is weak", argument),
			 errdetail("It has at most %d bits of entropy; a secret should have at least %d.", bits, STRENGTH_MIN),
			 errhint("Replace it with a key of devapp, or import it unchanged with weak => true.")));
}

/* How the hash of a secret may come. */
typedef struct HashScheme
{
	const char *name;			/* and credential_secret.scheme, except for devapp */
	SecretScheme scheme;
	void		(*take) (const struct HashScheme *scheme, const Given *given, Imported *imported);
	const char *form;			/* for hints */
} HashScheme;

static void
refuse_scheme(const char *reason, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", reason),
			 errhint("%s", hint)));
}

static void
take_plain(const Given *given, Imported *imported)
{
	bool		alone = given->consumer_secret.data == NULL;
	Str			secret = alone ? given->consumer_key : given->consumer_secret;
	SecretDigest digest;

	if (!str_equal_nocase(given->scheme, "plain", strlen("plain")))
		refuse_scheme("a scheme requires a secret_hash",
					  "Leave the scheme out, or give the secret_hash.");
	require_strength(alone ? "consumer_key" : "consumer_secret", secret, given->weak);
	sha256_of(secret.data, secret.len, imported->sha256);
	sha512_256(secret.data, secret.len, imported->sha512_256);
	imported->has_sha256 = imported->has_sha512_256 = true;
	imported->scheme = "sha256";
	secret_digest_new(SECRET_BLAKE2B, imported->sha256, &digest);
	imported->digest = secret_digest_datum(&digest);
}

static void
take_fast_hash(const HashScheme *scheme, const Given *given, Imported *imported)
{
	Str			hash = given->secret_hash;
	bool		is_sha256 = scheme->scheme == SECRET_BLAKE2B;
	uint8	   *bytes = is_sha256 ? imported->sha256 : imported->sha512_256;
	SecretDigest digest;

	if (!form_read_hash(hash.data, hash.len, bytes))
		refuse_scheme("secret_hash does not have the form of its scheme", scheme->form);
	imported->has_sha256 = is_sha256;
	imported->has_sha512_256 = !is_sha256;
	secret_digest_new(scheme->scheme, bytes, &digest);
	imported->digest = secret_digest_datum(&digest);
}

/* A hash with which no secret could be compared is refused. */
static void
require_computable(SlowHashState state)
{
	if (state == SLOW_HASH_CRYPT_OFF)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("crypt() of pgcrypto is disabled"),
				 errdetail("Secrets cannot be compared with this hash."),
				 errhint("Change pgcrypto.builtin_crypto_enabled, or give this client a new secret with devapp.issue_credential.")));
	if (state == SLOW_HASH_NO_MD5)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("OpenSSL does not offer MD5, as in FIPS mode"),
				 errdetail("Secrets cannot be compared with this hash."),
				 errhint("Give this client a new secret with devapp.issue_credential.")));
}

/* A slow hash cannot be looked up, so only a client id leads to its row. */
static void
take_slow_hash(const HashScheme *scheme, const Given *given, Imported *imported)
{
	SlowForm	form = given->secret_hash.len > SECRET_SLOW_MAX ? SLOW_FORM_BAD :
		slow_hash_form(scheme->scheme, given->secret_hash);

	if (given->consumer_key.data == NULL)
		refuse_scheme("a hash of this scheme needs a consumer_key",
					  "An API key is looked up by its hash, and a hash of this scheme differs each time it is computed.");
	if (form == SLOW_FORM_BAD)
		refuse_scheme("secret_hash does not have the form of its scheme", scheme->form);
	if (form == SLOW_FORM_EXPENSIVE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("secret_hash is too expensive to compute"),
				 errdetail("The limits are: bcrypt with cost %d; argon2id and scrypt with %d MB, and %d MB over all passes; pbkdf2_sha256 with %d iterations; extended DES with %d, SHA-crypt with %d rounds.",
						   SLOW_BCRYPT_COST_MAX, SLOW_MEMORY_MAX / 1024, SLOW_MEMORY_PASSES_MAX / 1024,
						   SLOW_PBKDF2_MAX, SLOW_DES_COUNT_MAX, SLOW_SHA_ROUNDS_MAX),
				 errhint("Give this client a new secret with devapp.issue_credential.")));
	require_computable(slow_hash_state(scheme->scheme, given->secret_hash));
	imported->digest = secret_slow_datum(scheme->scheme, given->secret_hash.data,
										 given->secret_hash.len);
}

/* Does this consumer key, which may be missing, lead from a key of ours to its row? */
static bool
leads_to_row(Str consumer_key)
{
	ParsedKey	parsed;

	return consumer_key.data != NULL &&
		key_parse_consumer(consumer_key.data, consumer_key.len, &parsed) == KEY_OK;
}

static void
take_digest(const HashScheme *scheme, const Given *given, Imported *imported)
{
	SecretDigest digest;
	const char *found_by = exported_digest_take(given->secret_hash, &digest);

	if (found_by == NULL)
		refuse_scheme("secret_hash does not have the form of its scheme", scheme->form);
	else if (strcmp(found_by, "blake2b") == 0 && !leads_to_row(given->consumer_key))
		found_by = "sha256";
	imported->scheme = found_by;
	imported->is_digest = true;
	imported->digest = secret_digest_datum(&digest);
}

static const HashScheme hash_schemes[] = {
	{"sha256", SECRET_BLAKE2B, take_fast_hash, "It has 32 bytes, as 64 hexadecimal digits or in base64."},
	{"sha512_256", SECRET_SHA512_256, take_fast_hash, "It has 32 bytes, as 64 hexadecimal digits or in base64."},
	{"crypt", SECRET_CRYPT, take_slow_hash, "It looks like $2b$10$ followed by 53 characters, or has another form that crypt() of pgcrypto supports."},
	{"argon2id", SECRET_ARGON2ID, take_slow_hash, "It looks like $argon2id$v=19$m=65536,t=2,p=1$salt$hash, where p is 1."},
	{"scrypt", SECRET_SCRYPT, take_slow_hash, "It begins with $7$ and has 101 characters, as libsodium writes it."},
	{"pbkdf2_sha256", SECRET_PBKDF2_SHA256, take_slow_hash, "It looks like pbkdf2_sha256$600000$salt$hash, and the hash has 32 bytes in base64."},
	{"devapp", SECRET_BLAKE2B, take_digest, "It looks like blake2b:1:digest:fingerprint, as devapp.export_apps(with_digests => true) writes it."},
};

static const HashScheme *
find_hash_scheme(Str name)
{
	for (int i = 0; i < (int) lengthof(hash_schemes); i++)
	{
		if (str_equal_nocase(name, hash_schemes[i].name, strlen(hash_schemes[i].name)))
			return &hash_schemes[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 str_equal_nocase(name, "plain", strlen("plain")) ?
			 errmsg("a secret_hash requires a scheme") :
			 errmsg("a secret_hash cannot have this scheme"),
			 errhint("Possible schemes: sha256, sha512_256, crypt, argon2id, scrypt, pbkdf2_sha256, devapp.")));
}

static void
take_hash(const Given *given, Imported *imported)
{
	const HashScheme *scheme = find_hash_scheme(given->scheme);

	imported->scheme = scheme->name;
	scheme->take(scheme, given, imported);
}

/* ---------- the consumer key ---------- */

static bool
has_control(Str s)
{
	for (size_t i = 0; i < s.len; i++)
	{
		if ((unsigned char) s.data[i] < 0x20 || s.data[i] == 0x7F)
			return true;
	}
	return name_has_invisible(s);
}

/* The public part of a pair is shown in lists and logs, and people type it. */
static text *
take_consumer_key(Str given)
{
	if (has_control(given) || given.data[0] == ' ' || given.data[given.len - 1] == ' ')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("consumer_key contains a control or invisible character, or begins or ends with a space"),
				 errhint("It is the client id, which appears in lists and logs.")));
	if (mask_finds_key(given.data, given.len))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("consumer_key contains a key of devapp"),
				 errhint("It is the client id, which appears in lists and logs. A key is a secret.")));
	return cstring_to_text_with_len(given.data, (int) given.len);
}

#define NAME_SHOWN		4		/* characters of a key in its public name */
#define NAME_SHOWN_PART	8		/* at most the eighth part of it */
#define NAME_RANDOM		12

static bool
may_be_shown(char c)
{
	return c == '-' || c == '_' || (c >= '0' && c <= '9') ||
		(c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The public name of a key that is nothing but a secret, like sk_l***4Jq0cXw81TzB. */
static text *
name_of_key(Str key)
{
	char		name[NAME_SHOWN + 3 + NAME_RANDOM];
	size_t		n = 0;

	while (n < NAME_SHOWN && n < key.len / NAME_SHOWN_PART && may_be_shown(key.data[n]))
	{
		name[n] = key.data[n];
		n++;
	}
	memcpy(name + n, "***", 3);
	key_random_base62(name + n + 3, NAME_RANDOM);
	return cstring_to_text_with_len(name, (int) n + 3 + NAME_RANDOM);
}

static text *
new_consumer_key(Str environment)
{
	char		out[KEY_CONSUMER_MAX + 1];
	size_t		len = environment.data == NULL ? key_new_consumer("live", strlen("live"), out) :
		key_new_consumer(environment.data, environment.len, out);

	return cstring_to_text_with_len(out, (int) len);
}

/* If somebody copied a consumer key in place of its key, everybody could see the secret. */
static void
refuse_public_part(Str key)
{
	if (key_is_public_part(key.data, key.len))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("consumer_key is only the public part of a key of devapp"),
				 errhint("Give the whole key. This part of it appears in lists and logs.")));
}

/* Is it a name as new_consumer_key() or name_of_key() makes it? */
static bool
is_public_name(Str name)
{
	size_t		n = 0;

	if (leads_to_row(name))
		return true;
	while (n < NAME_SHOWN && n < name.len && may_be_shown(name.data[n]))
		n++;
	if (name.len != n + 3 + NAME_RANDOM || memcmp(name.data + n, "***", 3) != 0)
		return false;
	for (n += 3; n < name.len; n++)
	{
		if (!may_be_shown(name.data[n]) || name.data[n] == '-' || name.data[n] == '_')
			return false;
	}
	return true;
}

/* Everything else could be a secret in the wrong place, which lists would show. */
static text *
take_public_name(Str name)
{
	if (!is_public_name(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("consumer_key is not the public name of an API key"),
				 errhint("Give the consumer_key that devapp.export_apps shows, or leave it out.")));
	return cstring_to_text_with_len(name.data, (int) name.len);
}

/* A key of another installation of devapp leads to its row as ours do. */
static void
name_api_key(const Given *given, Imported *imported)
{
	ParsedKey	parsed;

	if (given->consumer_key.data == NULL)
		imported->consumer_key = new_consumer_key(given->environment);
	else if (given->secret_hash.data != NULL)
		imported->consumer_key = take_public_name(given->consumer_key);
	else if (key_parse(given->consumer_key.data, given->consumer_key.len, &parsed) == KEY_OK)
	{
		imported->consumer_key = cstring_to_text_with_len(given->consumer_key.data,
														  (int) parsed.consumer_len);
		imported->scheme = "blake2b";
	}
	else
	{
		refuse_public_part(given->consumer_key);
		imported->consumer_key = name_of_key(given->consumer_key);
	}
}

static Imported
make_imported(const Given *given)
{
	Imported	imported = {.kind = kind_of(given)};

	devapp_require_sodium();
	if (given->secret_hash.data != NULL)
		take_hash(given, &imported);
	else
		take_plain(given, &imported);
	if (strcmp(imported.kind, "api_key") == 0)
		name_api_key(given, &imported);
	else
		imported.consumer_key = take_consumer_key(given->consumer_key);
	return imported;
}

/* ---------- storing ---------- */

static const char store_query[] =
"SELECT devapp_internal.store_imported($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/* Nothing of the secret is among the parameters. */
static Datum
run_store(FunctionCallInfo fcinfo, const Imported *imported)
{
	static const int passed[] = {ARG_APP, ARG_PRODUCTS, ARG_ENVIRONMENT, ARG_EXPIRES_IN,
	ARG_ATTRIBUTES, ARG_SCOPES, ARG_LABEL, ARG_NOTE};
	Oid			types[11] = {TEXTOID, TEXTARRAYOID, TEXTOID, INTERVALOID, JSONBOID, TEXTARRAYOID,
	TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	Datum		args[11];
	char		nulls[12] = "           ";
	bool		isnull;

	for (int i = 0; i < (int) lengthof(passed); i++)
	{
		args[i] = PG_GETARG_DATUM(passed[i]);
		nulls[i] = PG_ARGISNULL(passed[i]) ? 'n' : ' ';
	}
	args[8] = CStringGetTextDatum(imported->kind);
	args[9] = PointerGetDatum(imported->consumer_key);
	args[10] = CStringGetTextDatum(imported->scheme);
	if (SPI_execute_with_args(store_query, 11, types, args, nulls, false, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "credential was not stored");
	return SPI_datumTransfer(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull),
							 false, -1);
}

static void
end_import(Imported *imported)
{
	importing = NULL;
	nimporting = 0;
	sodium_memzero(imported, sizeof(Imported));
}

/* Frees what a document left behind, also one that failed. */
static void
drop_held(void)
{
	if (held_context != NULL)
		MemoryContextDelete(held_context);
}

/*
 * SQL: import_credential(app, consumer_key, consumer_secret, secret_hash, scheme, products, kind,
 * environment, expires_in, attributes, weak, scopes, label, note)
 */
Datum
devapp_import_credential(PG_FUNCTION_ARGS)
{
	Given		given = read_given(fcinfo);
	Imported	imported = make_imported(&given);
	Datum		result = (Datum) 0;

	drop_held();
	SPI_connect();
	importing = &imported;
	nimporting = 1;
	PG_TRY();
	{
		result = run_store(fcinfo, &imported);
	}
	PG_CATCH();
	{
		end_import(&imported);
		PG_RE_THROW();
	}
	PG_END_TRY();
	end_import(&imported);
	SPI_finish();
	PG_RETURN_DATUM(result);
}

/* ---------- a whole document ---------- */

/* The memory ends with the transaction, or earlier, also where it fails. */
static void
forget_held(void *arg)
{
	(void) arg;
	sodium_memzero(held, sizeof(Imported) * (size_t) nheld_max);
	importing = NULL;
	nimporting = 0;
	held = NULL;
	nheld_max = 0;
	held_context = NULL;
}

static void
start_holding(void)
{
	MemoryContext context = AllocSetContextCreate(TopTransactionContext, "devapp import",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	held = MemoryContextAllocHuge(context, sizeof(Imported) * HELD_FIRST);
	nheld_max = HELD_FIRST;
	held_context = context;
	callback->func = forget_held;
	MemoryContextRegisterResetCallback(context, callback);
}

/* The old array is wiped, which repalloc() would not do. */
static void
make_room(void)
{
	Imported   *larger = MemoryContextAllocHuge(held_context, sizeof(Imported) * (size_t) nheld_max * 2);

	memcpy(larger, held, sizeof(Imported) * (size_t) nheld_max);
	sodium_memzero(held, sizeof(Imported) * (size_t) nheld_max);
	pfree(held);
	held = larger;
	nheld_max *= 2;
}

/* Keep a credential and return its number.  Its consumer key goes with the row (held_row()). */
static int
hold_secret(const Imported *imported)
{
	MemoryContext caller;

	if (held == NULL)
		start_holding();
	if (nimporting == nheld_max)
		make_room();
	held[nimporting] = *imported;
	held[nimporting].consumer_key = NULL;
	caller = MemoryContextSwitchTo(held_context);
	held[nimporting].digest = datumCopy(imported->digest, false, -1);
	MemoryContextSwitchTo(caller);
	importing = held;
	return ++nimporting;
}

static Datum
held_row(FunctionCallInfo fcinfo, const Imported *imported, int number)
{
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 4)
		elog(ERROR, "return type must be a row of 4 columns");
	values[0] = Int32GetDatum(number);
	values[1] = CStringGetTextDatum(imported->kind);
	values[2] = PointerGetDatum(imported->consumer_key);
	values[3] = CStringGetTextDatum(imported->scheme);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

static Str
secret_given(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? (Str) {NULL, 0} : document_secret(PG_GETARG_INT32(n));
}

/*
 * SQL: hold_imported(key, consumer_key, consumer_secret, secret_hash, scheme, kind, environment, weak),
 * in which key, consumer_secret and secret_hash are numbers of secrets of the document
 *
 * One credential of a document: checked and digested as import_credential() does it, and kept
 * under its number until the document is stored.
 */
Datum
devapp_hold_imported(PG_FUNCTION_ARGS)
{
	Given		given = {
		.consumer_key = PG_ARGISNULL(0) ? text_given(fcinfo, 1) : secret_given(fcinfo, 0),
		.consumer_secret = secret_given(fcinfo, 2),
		.secret_hash = secret_given(fcinfo, 3),
		.scheme = text_given(fcinfo, 4),
		.kind = text_given(fcinfo, 5),
		.environment = text_given(fcinfo, 6),
		.weak = !PG_ARGISNULL(7) && PG_GETARG_BOOL(7)
	};
	Imported	imported;
	Datum		row;

	check_given(&given);
	imported = make_imported(&given);
	row = held_row(fcinfo, &imported, hold_secret(&imported));
	sodium_memzero(&imported, sizeof(imported));
	PG_RETURN_DATUM(row);
}

/* SQL: drop_imported(): the document is stored, or not */
Datum
devapp_drop_imported(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	drop_held();
	PG_RETURN_VOID();
}

/* SQL: lock_imports(), to the end of the transaction */
Datum
devapp_lock_imports(PG_FUNCTION_ARGS)
{
	LockDatabaseObject(ProcedureRelationId, fcinfo->flinfo->fn_oid, 0, ShareUpdateExclusiveLock);
	PG_RETURN_VOID();
}

/* ---------- what the SQL asks for ---------- */

static const Imported *
require_import(int number)
{
	if (number < 1 || number > nimporting)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no credential is being imported"),
				 errhint("Use devapp.import_credential.")));
	return &importing[number - 1];
}

Datum
imported_digest(int number)
{
	return require_import(number)->digest;
}

/* SQL: imported_digest(n): the digest that is stored */
Datum
devapp_imported_digest(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(datumCopy(imported_digest(PG_GETARG_INT32(0)), false, -1));
}

/*
 * SQL: imported_digests(n, over_sha256): the digests by which an equal secret would be found, with
 * its SHA-256 or its SHA-512/256
 */
Datum
devapp_imported_digests(PG_FUNCTION_ARGS)
{
	const Imported *imported = require_import(PG_GETARG_INT32(0));
	Oid			element = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	bool		over_sha256 = PG_GETARG_BOOL(1);
	Datum		digest = imported->digest;

	if (imported->is_digest && over_sha256)
		PG_RETURN_ARRAYTYPE_P(construct_array(&digest, 1, element, -1, false, TYPALIGN_INT));
	if (over_sha256 ? !imported->has_sha256 : !imported->has_sha512_256)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(element));
	PG_RETURN_ARRAYTYPE_P(over_sha256 ?
						  secret_digests_array(SECRET_BLAKE2B, imported->sha256, element) :
						  secret_digests_array(SECRET_SHA512_256, imported->sha512_256, element));
}
