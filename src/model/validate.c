/*
 * validate.c
 *		The rules that column values obey.
 *
 *	name			required, 1 to 255 characters, not only white space; kept in
 *					its canonical form (base/name.c)
 *	optional_name	the same or NULL
 *	identifier		the same or NULL, but kept as it is: what others compare it with
 *					is not ours
 *	text			up to 255 characters, may be empty or NULL; canonical too
 *	description		up to 4000 characters, with line ends and tabs, or NULL
 *	about			the same, of what reports show
 *	email			something@something, no white space or colon, up to 255 characters
 *	optional_email	the same or NULL
 *	email_domain	example.com, or *.example.com for it and what is below it, or NULL
 *	environment		1 to 32 of [a-z0-9-], the first no '-', or NULL
 *	attributes		object of at most 18 names, each with a string; the names are
 *					canonical
 *	names			list of distinct names
 *	environments	list of distinct environments
 *	scopes			list of distinct scope tokens (RFC 6749, section 3.3)
 *	methods			list of distinct HTTP methods (RFC 9110, section 9.1), upper case
 *	callback_urls	list of URIs, see uri_core.c
 *	webhook_url		https URL without user name, password and fragment, or NULL
 *	networks		list of at most 256 networks, of type cidr
 *	time_zone		name of a time zone that PostgreSQL knows
 *	positive_int4, positive_int8, positive_float8
 *					greater than zero, or NULL
 *	natural_int4	zero or greater, or NULL
 *	required		not NULL; its type has checked the rest
 *	in A B ...		one of these words
 *	in? A B ...		the same or NULL
 *
 * No text may hold control characters: they forge lines in logs and terminals.  None but
 * descriptions and values of attributes may hold characters that cannot be seen.  None
 * may hold a key, which is a secret.  Names, short texts, e-mails and "about" begin with none
 * of the signs by which a spreadsheet knows a formula.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "base/compat.h"
#include "base/list.h"
#include "base/name.h"
#include "base/str.h"
#include "key/key.h"
#include "key/mask.h"
#include "match/scope_core.h"
#include "model/uri_core.h"
#include "model/validate.h"

PG_FUNCTION_INFO_V1(devapp_canonical_attributes);

/* The value under test, for messages. */
typedef struct Subject
{
	const char *entity;
	const char *column;
} Subject;

static Str
text_value(Datum value)
{
	text	   *t = DatumGetTextPP(value);

	return (Str) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

/* C0 and DEL, and in UTF-8 also C1 (U+0080 to U+009F) */
static bool
has_control(Str t, bool lines_allowed)
{
	bool		utf8 = GetDatabaseEncoding() == PG_UTF8;

	for (size_t i = 0; i < t.len; i++)
	{
		unsigned char c = (unsigned char) t.data[i];

		if (lines_allowed && (c == '\n' || c == '\r' || c == '\t'))
			continue;
		if (c < 0x20 || c == 0x7F)
			return true;
		if (utf8 && c == 0xC2 && i + 1 < t.len &&
			(unsigned char) t.data[i + 1] >= 0x80 &&
			(unsigned char) t.data[i + 1] <= 0x9F)
			return true;
	}
	return false;
}

static bool
is_blank(Str t)
{
	size_t		i = 0;
	size_t		n;

	while (i < t.len && (n = name_space_len(t.data + i, t.len - i)) > 0)
		i += n;
	return i == t.len;
}

static bool
has_space(Str t)
{
	for (size_t i = 0; i < t.len; i++)
	{
		if (name_space_len(t.data + i, t.len - i) > 0)
			return true;
	}
	return false;
}

/* A key, or token, that is put into a text by mistake would lie in the table, the trail and the WAL. */
static void
refuse_key(Subject s, Str t)
{
	if (mask_finds_key(t.data, t.len))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s contains a key", s.column, s.entity),
				 errhint("A key is a secret. Give its consumer key, which is public, and revoke the key if others have seen it.")));
}

static void
check_text(Subject s, Str t, int max_chars, bool lines_allowed)
{
	if (pg_mbstrlen_with_len(t.data, (int) t.len) > max_chars)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("%s of %s is too long", s.column, s.entity),
				 errhint("The maximum length is %d characters.", max_chars)));
	if (!lines_allowed && name_has_invisible(t))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s contains an invisible character", s.column, s.entity),
				 errhint("Remove zero-width characters and characters that change the direction of writing.")));
	if (has_control(t, lines_allowed))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s contains a control character", s.column, s.entity),
				 lines_allowed ?
				 errhint("Line breaks and tabs are allowed; other control characters are not.") :
				 errhint("Remove line breaks, tabs and other control characters.")));
	refuse_key(s, t);
}

static void
check_name(Subject s, Str t)
{
	if (is_blank(t))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s must not be empty", s.column, s.entity),
				 errhint("Give 1 to %d characters.", NAME_MAX_CHARS)));
	check_text(s, t, NAME_MAX_CHARS, false);
}

/* Apart from what check_name() says. */
static bool
looks_like_email(Str t)
{
	const char *at = memchr(t.data, '@', t.len);

	return at != NULL && at != t.data && at != t.data + t.len - 1 &&
		memchr(at + 1, '@', (size_t) (t.data + t.len - at - 1)) == NULL &&
		/* "rule:name" in decided_by is a rule's */
		memchr(t.data, ':', t.len) == NULL &&
		!has_space(t);
}

/* Would the text do as the e-mail of a developer? */
bool
validate_is_email(const char *text)
{
	Str			t = {text, strlen(text)};

	return pg_mbstrlen_with_len(t.data, (int) t.len) <= NAME_MAX_CHARS &&
		!has_control(t, false) && !name_has_invisible(t) && looks_like_email(t);
}

static void
check_email(Subject s, Str t)
{
	check_name(s, t);
	if (!looks_like_email(t))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not an e-mail address", mask_value(t.data, t.len)),
				 errhint("An e-mail address looks like name@example.com.")));
}

/* Labels with dots between them, as far as an e-mail address could have them. */
static bool
is_domain(Str t)
{
	bool		label = false;

	for (size_t i = 0; i < t.len; i++)
	{
		if (t.data[i] == '@' || t.data[i] == '*' || (t.data[i] == '.' && !label))
			return false;
		label = t.data[i] != '.';
	}
	return label && !has_space(t);
}

static void
check_email_domain(Subject s, Str t)
{
	Str			domain = t;

	check_text(s, t, NAME_MAX_CHARS, false);
	if (t.len >= 2 && memcmp(t.data, "*.", 2) == 0)
		domain = (Str) {t.data + 2, t.len - 2};
	if (!is_domain(domain))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not an e-mail domain", mask_value(t.data, t.len)),
				 errhint("An e-mail domain looks like example.com, or *.example.com with its subdomains.")));
}

static void
check_environment(Subject s, Str t)
{
	check_name(s, t);
	key_require_environment(t.data, t.len);
}

/* ---------- elements of lists ---------- */

static bool
is_token_char(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void
check_method(Subject s, Str t)
{
	bool		ok = t.len > 0 && t.len <= 64;

	for (size_t i = 0; ok && i < t.len; i++)
		ok = is_token_char((unsigned char) t.data[i]);
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s is not an HTTP method",
						s.column, s.entity),
				 errhint("Methods are written like GET, POST, DELETE.")));
}

static void
check_scope(Subject s, Str t)
{
	bool		ok = t.len > 0 && t.len <= NAME_MAX_CHARS;

	refuse_key(s, t);
	for (size_t i = 0; ok && i < t.len; i++)
		ok = scope_is_character(t.data[i]);
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s is not a scope",
						s.column, s.entity),
				 errhint("A scope is 1 to %d printable ASCII characters without spaces, quotes and backslashes.",
						 NAME_MAX_CHARS)));
}

static void
check_callback(Subject s, Str t)
{
	UriError	error;

	if (t.len > CALLBACK_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("a callback URL of %s is too long", s.entity),
				 errhint("The maximum length is %d bytes.", CALLBACK_MAX_BYTES)));
	refuse_key(s, t);
	error = uri_check_callback(t.data, t.len);
	if (error == URI_OK)
		return;
	/* the URL is not shown: it may hold a password, or control characters */
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a callback URL of %s is not valid: %s", s.entity,
					uri_error_text(error)),
			 errhint("Give absolute URIs without fragment, like https://app.example.com/callback; http only for localhost, 127.0.0.1 and [::1].")));
}

/* Where notifications are posted to.  Nobody may read or change them on the way. */
static void
check_webhook_url(Subject s, Str t)
{
	static const char scheme[] = "https://";

	refuse_key(s, t);
	if (t.len <= CALLBACK_MAX_BYTES && t.len >= strlen(scheme) &&
		pg_strncasecmp(t.data, scheme, strlen(scheme)) == 0 &&
		uri_check_callback(t.data, t.len) == URI_OK)
		return;
	/* the URL is not shown: it may hold a password, or control characters */
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s of %s is not an https URL", s.column, s.entity),
			 errhint("Give a URL like https://hooks.example.com/devapp, of at most %d bytes, without user name, password and fragment.",
					 CALLBACK_MAX_BYTES)));
}

/* The elements of a list; of type text or cidr, which are stored alike. */
static Datum *
list_values(Subject s, Datum value, int max, int *n)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *values;

	list_require(array, psprintf("%s of %s", s.column, s.entity));
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &values, NULL, n);
	if (*n > max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s of %s has too many values", s.column, s.entity),
				 errhint("The maximum is %d.", max)));
	return values;
}

static void
check_list(Subject s, Datum value, void (*check) (Subject, Str))
{
	Subject		element = {s.entity, psprintf("a value in %s", s.column)};
	int			n;
	Datum	   *values = list_values(s, value, LIST_MAX, &n);

	for (int i = 0; i < n; i++)
	{
		Str			t = text_value(values[i]);

		check(element, t);
		for (int j = 0; j < i; j++)
		{
			Str		other = text_value(values[j]);

			if (str_equal(other, t))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("%s of %s has a duplicate value", s.column, s.entity),
						 errhint("Give each value once.")));
		}
	}
}

/* ---------- attributes ---------- */

static void
check_attribute(Subject s, JsonbValue *name, JsonbValue *value)
{
	Str			t = {name->val.string.val, (size_t) name->val.string.len};
	Subject		name_subject = {s.entity, "an attribute name"};
	Subject		value_subject = {s.entity, "an attribute value"};

	check_name(name_subject, t);
	if (value->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("attribute \"%s\" of %s is not a string", mask_value(t.data, t.len),
						s.entity),
				 errhint("Attributes are an object of name to string, like {\"tier\": \"gold\"}.")));
	check_text(value_subject,
			   (Str) {value->val.string.val, (size_t) value->val.string.len},
			   ATTRIBUTE_VALUE_MAX, true);
}

static void
check_attributes(Subject s, Datum value)
{
	Jsonb	   *jb = DatumGetJsonbP(value);
	JsonbIterator *it;
	JsonbValue	name;
	JsonbValue	v;

	if (!JB_ROOT_IS_OBJECT(jb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s must be a JSON object", s.column, s.entity),
				 errhint("Attributes are an object of name to string, like {\"tier\": \"gold\"}.")));
	if (JB_ROOT_COUNT(jb) > ATTRIBUTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s has %u attributes, but at most %d are allowed", s.entity,
						JB_ROOT_COUNT(jb), ATTRIBUTES_MAX),
				 errhint("Remove some, or combine several values into one.")));

	it = JsonbIteratorInit(&jb->root);
	if (JsonbIteratorNext(&it, &name, true) != WJB_BEGIN_OBJECT)
		elog(ERROR, "attributes are not an object");
	while (JsonbIteratorNext(&it, &name, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &v, true);
		check_attribute(s, &name, &v);
	}
}

/* ---------- canonical forms ---------- */

static Datum
canonical_text(Datum value)
{
	text	   *given = DatumGetTextPP(value);
	text	   *canonical = name_canonical(given);

	return canonical == given ? value : PointerGetDatum(canonical);
}

/* Append a member to a JSON object; true if its name is another in its canonical form. */
static bool
append_attribute(StringInfo json, const JsonbValue *name, const JsonbValue *value)
{
	text	   *given = cstring_to_text_with_len(name->val.string.val, name->val.string.len);
	text	   *canonical = name_canonical(given);

	appendStringInfoString(json, json->len > 1 ? ", " : "");
	escape_json(json, text_to_cstring(canonical));
	appendStringInfoString(json, ": ");
	escape_json(json, pnstrdup(value->val.string.val, value->val.string.len));
	return canonical != given;
}

/* What check_attributes() would refuse stays as it is. */
static Datum
canonical_attributes(Datum value)
{
	Jsonb	   *given = DatumGetJsonbP(value);
	Jsonb	   *result;
	JsonbIterator *it = JsonbIteratorInit(&given->root);
	JsonbValue	name;
	JsonbValue	v;
	StringInfoData json;
	bool		changed = false;

	if (!JB_ROOT_IS_OBJECT(given))
		return value;
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	(void) JsonbIteratorNext(&it, &name, true);
	while (JsonbIteratorNext(&it, &name, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &v, true);
		if (v.type != jbvString)
			return value;
		changed = append_attribute(&json, &name, &v) || changed;
	}
	if (!changed)
		return value;
	appendStringInfoChar(&json, '}');
	result = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
	if (JB_ROOT_COUNT(result) != JB_ROOT_COUNT(given))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("two attributes have the same name"),
				 errhint("Names are compared without surrounding blanks and in Unicode normalization form C.")));
	return PointerGetDatum(result);
}

/* SQL: canonical_attributes(attributes) */
Datum
devapp_canonical_attributes(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(canonical_attributes(PG_GETARG_DATUM(0)));
}

/* ---------- rules by name ---------- */

static void
rule_name(Subject s, Datum value)
{
	check_name(s, text_value(value));
}

static void
rule_text(Subject s, Datum value)
{
	check_text(s, text_value(value), NAME_MAX_CHARS, false);
}

static void
rule_description(Subject s, Datum value)
{
	check_text(s, text_value(value), DESCRIPTION_MAX_CHARS, true);
}

static void
rule_email(Subject s, Datum value)
{
	check_email(s, text_value(value));
}

static void
rule_email_domain(Subject s, Datum value)
{
	check_email_domain(s, text_value(value));
}

static void
rule_email_domains(Subject s, Datum value)
{
	check_list(s, value, check_email_domain);
}

static void
rule_environment(Subject s, Datum value)
{
	check_environment(s, text_value(value));
}

static void
rule_names(Subject s, Datum value)
{
	check_list(s, value, check_name);
}

static void
rule_environments(Subject s, Datum value)
{
	check_list(s, value, check_environment);
}

/* What another rule, or the type, says what it looks like. */
static void
rule_no_key(Subject s, Datum value)
{
	refuse_key(s, text_value(value));
}

static void
rule_no_keys(Subject s, Datum value)
{
	check_list(s, value, refuse_key);
}

static void
rule_scopes(Subject s, Datum value)
{
	check_list(s, value, check_scope);
}

static void
rule_methods(Subject s, Datum value)
{
	check_list(s, value, check_method);
}

static void
rule_callback_urls(Subject s, Datum value)
{
	check_list(s, value, check_callback);
}

static void
rule_webhook_url(Subject s, Datum value)
{
	check_webhook_url(s, text_value(value));
}

static void
rule_networks(Subject s, Datum value)
{
	int			n;

	(void) list_values(s, value, NETWORKS_MAX, &n);
}

/* NULL: there is none of this name. */
static pg_tz *
find_time_zone(Datum value)
{
	Str			name = text_value(value);
	pg_tz	   *zone = name.len <= TZ_STRLEN_MAX ? pg_tzset(pnstrdup(name.data, name.len)) : NULL;

	return zone != NULL && pg_tz_acceptable(zone) ? zone : NULL;
}

static void
rule_time_zone(Subject s, Datum value)
{
	if (find_time_zone(value) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s is not a time zone", s.column, s.entity),
				 errhint("Give a name of pg_timezone_names, like UTC or Europe/Berlin.")));
}

/* As the time zone database spells it. */
static Datum
canonical_time_zone(Datum value)
{
	pg_tz	   *zone = find_time_zone(value);
	const char *name = zone ? pg_get_timezone_name(zone) : NULL;

	return name == NULL || str_is(text_value(value), name) ? value : CStringGetTextDatum(name);
}

static void
require_positive(Subject s, bool positive)
{
	if (!positive)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s must be greater than zero", s.column, s.entity),
				 errhint("Give a value greater than zero, or leave it out.")));
}

static void
rule_positive_int4(Subject s, Datum value)
{
	require_positive(s, DatumGetInt32(value) > 0);
}

static void
rule_positive_int8(Subject s, Datum value)
{
	require_positive(s, DatumGetInt64(value) > 0);
}

static void
rule_positive_float8(Subject s, Datum value)
{
	double		v = DatumGetFloat8(value);

	require_positive(s, v > 0);
	if (isnan(v) || v > RATE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s of %s is too large", s.column, s.entity),
				 errhint("The maximum is %.0f.", RATE_MAX)));
}

static void
rule_natural_int4(Subject s, Datum value)
{
	if (DatumGetInt32(value) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s must not be negative", s.column, s.entity),
				 errhint("Give 0 or more, or leave it out.")));
}

static void
rule_required(Subject s, Datum value)
{
}

/*
 * The words of a rule "in …", or "in? …" where NULL is possible as well, apart by single
 * spaces; NULL for another rule.
 */
static const char *
rule_words(const char *rule)
{
	if (strncmp(rule, "in ", 3) == 0)
		return rule + 3;
	return strncmp(rule, "in? ", 4) == 0 ? rule + 4 : NULL;
}

/* The word that a value is in whatever case of its letters; an empty one if it is none. */
static Str
find_word(Str value, const char *words)
{
	const char *word = words;

	while (*word != '\0')
	{
		Str			possible = {word, strcspn(word, " ")};

		if (str_equal_nocase(value, possible.data, possible.len))
			return possible;
		word += possible.len;
		word += strspn(word, " ");
	}
	return (Str) {word, 0};
}

static Datum
canonical_word(Datum value, const char *words)
{
	Str			given = text_value(value);
	Str			word = find_word(given, words);

	return word.len == 0 || str_equal(given, word) ? value :
		PointerGetDatum(cstring_to_text_with_len(word.data, (int) word.len));
}

static char *
words_with_commas(const char *words)
{
	StringInfoData list;

	initStringInfo(&list);
	for (; *words != '\0'; words++)
		appendStringInfo(&list, *words == ' ' ? ",%c" : "%c", *words);
	return list.data;
}

static void
check_word(Subject s, Datum value, const char *words)
{
	Str			t = text_value(value);

	if (find_word(t, words).len > 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for %s of %s: \"%s\"", s.column, s.entity, mask_value(t.data, t.len)),
			 errhint("Possible values: %s.", words_with_commas(words))));
}

typedef struct Rule
{
	const char *name;
	bool		required;
	void		(*check) (Subject, Datum);
	Datum		(*canonical) (Datum);	/* NULL: kept as it is */
	bool		no_formula;
} Rule;

static const Rule rules[] = {
	{"name", true, rule_name, canonical_text, true},
	{"optional_name", false, rule_name, canonical_text, true},
	{"identifier", false, rule_name, NULL, false},
	{"text", false, rule_text, canonical_text, true},
	{"description", false, rule_description, NULL, false},
	{"about", false, rule_description, NULL, true},
	{"email", true, rule_email, NULL, true},
	{"optional_email", false, rule_email, NULL, false},
	{"email_domain", false, rule_email_domain, NULL, false},
	{"email_domains", true, rule_email_domains, NULL, false},
	{"environment", false, rule_environment, NULL, false},
	{"attributes", true, check_attributes, canonical_attributes, false},
	{"names", true, rule_names, NULL, false},
	{"environments", true, rule_environments, NULL, false},
	{"scopes", true, rule_scopes, NULL, false},
	{"methods", true, rule_methods, NULL, false},
	{"callback_urls", true, rule_callback_urls, NULL, false},
	{"webhook_url", false, rule_webhook_url, NULL, false},
	{"networks", true, rule_networks, NULL, false},
	{"no_key", true, rule_no_key, NULL, false},
	{"no_keys", true, rule_no_keys, NULL, false},
	{"time_zone", true, rule_time_zone, canonical_time_zone, false},
	{"required", true, rule_required, NULL, false},
	{"natural_int4", false, rule_natural_int4, NULL, false},
	{"positive_int4", false, rule_positive_int4, NULL, false},
	{"positive_int8", false, rule_positive_int8, NULL, false},
	{"positive_float8", false, rule_positive_float8, NULL, false},
};

/* NULL: there is none of this name. */
static const Rule *
find_rule(const char *name)
{
	for (int i = 0; i < (int) lengthof(rules); i++)
	{
		if (strcmp(rules[i].name, name) == 0)
			return &rules[i];
	}
	return NULL;
}

/* The form in which a value that is not null is kept; the same datum if it has it. */
Datum
validate_canonical(const char *rule, Datum value)
{
	const char *words = rule_words(rule);
	const Rule *found;

	if (words != NULL)
		return canonical_word(value, words);
	found = find_rule(rule);
	return found != NULL && found->canonical != NULL ? found->canonical(value) : value;
}

/* Do others than us begin a formula so?  The fullwidth forms count as well. */
static bool
starts_formula(Str t)
{
	static const char *const wide[] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};

	if (t.len > 0 && t.data[0] != '\0' && strchr("=+-@", t.data[0]) != NULL)
		return true;
	for (int i = 0; i < (int) lengthof(wide); i++)
	{
		if (GetDatabaseEncoding() == PG_UTF8 && t.len >= 3 && memcmp(t.data, wide[i], 3) == 0)
			return true;
	}
	return false;
}

/* Does the rule say more of new values than of those that are there? */
bool
validate_refuses_formula(const char *rule)
{
	const Rule *found = find_rule(rule);

	return found != NULL && found->no_formula;
}

/* Reports are opened in spreadsheets, by people who did not choose the names. */
void
validate_no_formula(const char *entity, const char *column, Datum value)
{
	if (starts_formula(text_value(value)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s begins like a formula", column, entity),
				 errhint("A spreadsheet that opens a report would run it. Begin with a character other than =, +, - and @.")));
}

static void
require_value(Subject s)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s of %s must not be null", s.column, s.entity),
			 errhint("Give a value.")));
}

void
validate_column(const char *entity, const char *column, const char *rule,
				Datum value, bool isnull)
{
	Subject		s = {entity, column};
	const char *words = rule_words(rule);
	const Rule *found;

	if (words != NULL)
	{
		if (!isnull)
			check_word(s, value, words);
		else if (rule[2] == ' ')
			require_value(s);
		return;
	}
	found = find_rule(rule);
	if (found == NULL)
		elog(ERROR, "there is no rule %s", rule);
	if (!isnull)
		found->check(s, value);
	else if (found->required)
		require_value(s);
}
