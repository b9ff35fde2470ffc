/*
 * document.c
 *		The secrets of a document that is being imported.
 *
 * Extensions can log the parameters and plans of statements.  PL/pgSQL evaluates a simple expression
 * without one, but not always: an expression that failed is a statement for the rest of the
 * transaction.  So SQL does not see a secret at all.  Before anything else reads a document,
 * hold_secrets() takes the secrets out of its credentials and leaves their numbers; hold_imported() and
 * secret_begins() ask for them by these.
 *
 * What is secret is not listed, because somebody may have misspelt the name of a field: every field of
 * a credential is taken out that is not known to be public.  The texts are in a memory context of
 * their own, to the end of the import or of the transaction, and are wiped.  Somebody may also have put
 * a secret in the place of a name, so stars replace a name that is not known and does not look like one.
 *
 * Outside the credentials nothing is taken out, because attributes may have any names: a secret that
 * somebody has put there stays in the document that SQL sees.  No error quotes it: field_name() puts
 * stars in the place of a name, and no value of an unknown field is shown.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "base/vec.h"
#include "import/document.h"
#include "import/strength_core.h"

PG_FUNCTION_INFO_V1(devapp_hold_secrets);
PG_FUNCTION_INFO_V1(devapp_drop_secrets);
PG_FUNCTION_INFO_V1(devapp_secret_begins);
PG_FUNCTION_INFO_V1(devapp_field_name);

/* How many secrets there is room for at first. */
#define SECRETS_FIRST	1024

/* What stands in the place of a name that may be a secret. */
static char stars[] = "********";

/* The secrets, numbered from 1, in a memory context of their own, or NULL. */
static MemoryContext secrets_context = NULL;
static Str *secrets = NULL;
static int	nsecrets = 0;
static int	nsecrets_max = SECRETS_FIRST;

/* ---------- keeping ---------- */

static void
forget_secrets(void *arg)
{
	(void) arg;
	for (int i = 0; i < nsecrets; i++)
		sodium_memzero(unconstify(char *, secrets[i].data), secrets[i].len);
	secrets = NULL;
	nsecrets = 0;
	nsecrets_max = SECRETS_FIRST;
	secrets_context = NULL;
}

static void
drop_secrets(void)
{
	if (secrets_context != NULL)
		MemoryContextDelete(secrets_context);
}

static void
start_keeping(void)
{
	MemoryContext context = AllocSetContextCreate(TopTransactionContext, "devapp import document",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	callback->func = forget_secrets;
	MemoryContextRegisterResetCallback(context, callback);
	secrets_context = context;
}

/* Keep a text and return its number. */
static int
keep_secret(const char *data, size_t len)
{
	MemoryContext caller;
	char	   *copy;

	if (secrets_context == NULL)
		start_keeping();
	caller = MemoryContextSwitchTo(secrets_context);
	secrets = vec_reserve(secrets, nsecrets, &nsecrets_max, sizeof(Str));
	copy = palloc(len + 1);
	memcpy(copy, data, len);
	secrets[nsecrets] = (Str) {copy, len};
	MemoryContextSwitchTo(caller);
	return ++nsecrets;
}

Str
document_secret(int number)
{
	if (number < 1 || number > nsecrets)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no document with this secret is being imported"),
				 errhint("Use devapp.import_apps.")));
	return secrets[number - 1];
}

/* ---------- reading ---------- */

/* What a value is. */
typedef enum Place
{
	PLACE_OTHER = 'o',			/* credentials may be in it */
	PLACE_CREDENTIAL = 'c',		/* a credential, or a list of these */
	PLACE_PUBLIC = 'p',			/* a public field of a credential, and all in it */
	PLACE_SECRET = 's'			/* another field of a credential, and all in it */
} Place;

typedef struct Walk
{
	StrList		lists;			/* fields with credentials; an empty name: the whole document */
	StrList		public_fields;	/* of a credential */
	CompatJsonBuilder built;
	StringInfoData outer;		/* the places of the arrays and objects that are not at their ends */
	Place		next;			/* that of the next value */
} Walk;

static Place
place_of_field(const Walk *walk, Place outer, Str field)
{
	if ((outer == PLACE_OTHER || outer == PLACE_CREDENTIAL) && str_list_has(&walk->lists, field))
		return PLACE_CREDENTIAL;
	if (outer == PLACE_CREDENTIAL)
		return str_list_has(&walk->public_fields, field) ? PLACE_PUBLIC : PLACE_SECRET;
	/* Unkey says with a hash what it is */
	if (outer == PLACE_SECRET && str_is(field, "variant"))
		return PLACE_PUBLIC;
	return outer;
}

static Place
innermost_place(const Walk *walk)
{
	return (Place) walk->outer.data[walk->outer.len - 1];
}

/* Is this scalar taken out?  A list of credentials should have objects, and may have keys by mistake. */
static bool
is_secret(const Walk *walk, JsonbIteratorToken token, const JsonbValue *v)
{
	return v->type != jbvNull &&
		(walk->next == PLACE_SECRET || (walk->next == PLACE_CREDENTIAL && token == WJB_ELEM));
}

/* The text of a scalar, as ->> has it. */
static Str
scalar_text(const JsonbValue *v)
{
	char	   *number;

	if (v->type == jbvString)
		return (Str) {v->val.string.val, (size_t) v->val.string.len};
	if (v->type == jbvBool)
		return v->val.boolean ? (Str) {"true", 4} : (Str) {"false", 5};
	number = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
	return (Str) {number, strlen(number)};
}

static void
push_number(Walk *walk, JsonbIteratorToken token, const JsonbValue *v)
{
	Str			text = scalar_text(v);
	JsonbValue	number = {.type = jbvNumeric};

	number.val.numeric = int64_to_numeric(keep_secret(text.data, text.len));
	/* the text of a number was made here */
	if (v->type == jbvNumeric)
		sodium_memzero(unconstify(char *, text.data), text.len);
	compat_json_push(&walk->built, token, &number);
}

/* Names of fields are of letters and _, and too short to be good secrets. */
static bool
looks_like_field(Str name)
{
	for (size_t i = 0; i < name.len; i++)
	{
		char		c = ascii_lower(name.data[i]);

		if (c != '_' && (c < 'a' || c > 'z'))
			return false;
	}
	return strength_bits(name.data, name.len) < STRENGTH_MIN;
}

static bool
is_secret_name(const Walk *walk, Str name)
{
	Place		outer = innermost_place(walk);

	return (outer == PLACE_CREDENTIAL || outer == PLACE_SECRET) &&
		place_of_field(walk, outer, name) == PLACE_SECRET && !looks_like_field(name);
}

static void
push_stars(Walk *walk)
{
	JsonbValue	name = {.type = jbvString};

	name.val.string.val = stars;
	name.val.string.len = (int) strlen(stars);
	compat_json_push(&walk->built, WJB_KEY, &name);
	walk->next = PLACE_SECRET;
}

static void
push_token(Walk *walk, JsonbIteratorToken token, JsonbValue *v)
{
	bool		has_value = token < WJB_BEGIN_ARRAY ||
		(token == WJB_BEGIN_ARRAY && v->val.array.rawScalar);

	if (token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT)
		appendStringInfoChar(&walk->outer, (char) walk->next);
	compat_json_push(&walk->built, token, has_value ? v : NULL);
	if (token == WJB_KEY)
		walk->next = place_of_field(walk, innermost_place(walk),
									(Str) {v->val.string.val, (size_t) v->val.string.len});
	if (token == WJB_END_ARRAY || token == WJB_END_OBJECT)
		walk->outer.len--;
	if (token != WJB_KEY && walk->outer.len > 0)
		walk->next = innermost_place(walk);
}

/* A list of names that an SQL function was called with. */
static StrList
read_names(ArrayType *array)
{
	StrList		list;
	Datum	   *names;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &list.count);
	list.items = palloc(sizeof(Str) * (size_t) Max(list.count, 1));
	for (int i = 0; i < list.count; i++)
	{
		text	   *name = DatumGetTextPP(names[i]);

		list.items[i] = (Str) {VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)};
	}
	return list;
}

/*
 * SQL: hold_secrets(document, lists, public_fields): the document with the number of each secret in
 * its place, or stars where it is a name
 */
Datum
devapp_hold_secrets(PG_FUNCTION_ARGS)
{
	Jsonb	   *document = PG_GETARG_JSONB_P(0);
	JsonbIterator *it = JsonbIteratorInit(&document->root);
	Walk		walk = {.lists = read_names(PG_GETARG_ARRAYTYPE_P(1)),
	.public_fields = read_names(PG_GETARG_ARRAYTYPE_P(2))};
	JsonbIteratorToken token;
	JsonbValue	v;

	devapp_require_sodium();
	drop_secrets();
	initStringInfo(&walk.outer);
	walk.next = str_list_has(&walk.lists, (Str) {"", 0}) ? PLACE_CREDENTIAL : PLACE_OTHER;
	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		if ((token == WJB_VALUE || token == WJB_ELEM) && is_secret(&walk, token, &v))
			push_number(&walk, token, &v);
		else if (token == WJB_KEY &&
				 is_secret_name(&walk, (Str) {v.val.string.val, (size_t) v.val.string.len}))
			push_stars(&walk);
		else
			push_token(&walk, token, &v);
	}
	PG_RETURN_JSONB_P(JsonbValueToJsonb(walk.built.result));
}

/* SQL: drop_secrets(): the document is stored, or not */
Datum
devapp_drop_secrets(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	drop_secrets();
	PG_RETURN_VOID();
}

/* SQL: secret_begins(number, prefix) */
Datum
devapp_secret_begins(PG_FUNCTION_ARGS)
{
	Str			secret = document_secret(PG_GETARG_INT32(0));
	text	   *prefix = PG_GETARG_TEXT_PP(1);
	size_t		len = VARSIZE_ANY_EXHDR(prefix);

	PG_RETURN_BOOL(secret.len >= len && memcmp(secret.data, VARDATA_ANY(prefix), len) == 0);
}

/* SQL: field_name(name): the name of an unknown field as an error may show it */
Datum
devapp_field_name(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);

	if (!looks_like_field((Str) {VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)}))
		PG_RETURN_TEXT_P(cstring_to_text(stars));
	PG_RETURN_TEXT_P(name);
}
