/*
 * pattern.c
 *		The type devapp.resource_pattern, and matching one pattern in SQL.
 *
 * A pattern is stored as the text it was written as; the type's part is to let
 * nothing else in.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "key/mask.h"
#include "match/path_core.h"
#include "match/pattern.h"

PG_FUNCTION_INFO_V1(devapp_resource_pattern_in);
PG_FUNCTION_INFO_V1(devapp_resource_pattern_out);
PG_FUNCTION_INFO_V1(devapp_resource_pattern_recv);
PG_FUNCTION_INFO_V1(devapp_resource_pattern_send);
PG_FUNCTION_INFO_V1(devapp_pattern_problem);
PG_FUNCTION_INFO_V1(devapp_pattern_matches);

static const char *
problem_with(PatternError error)
{
	switch (error)
	{
		case PATTERN_OK:
			break;
		case PATTERN_NO_SLASH:
			return "A resource pattern must start with \"/\", or with \"=/\" if it matches one path only.";
		case PATTERN_TOO_LONG:
			return "The maximum length of a resource pattern is 1024 bytes.";
		case PATTERN_CONTROL:
			return "A resource pattern must not contain control characters.";
		case PATTERN_UNSAFE:
			return "It could never match: paths with \"?\", \"#\", a backslash, an encoded slash or control character, or a segment \".\" or \"..\" are refused.";
	}
	return NULL;
}

Datum
devapp_resource_pattern_in(PG_FUNCTION_ARGS)
{
	char	   *s = PG_GETARG_CSTRING(0);
	PatternError error = pattern_check(s, strlen(s));

	/* the input is shown where that helps, and does not flood the log */
	if (error != PATTERN_OK)
		compat_input_error(fcinfo,
						   (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
							error == PATTERN_NO_SLASH && strlen(s) <= PATTERN_MAX_LEN ?
							errmsg("invalid input syntax for type devapp.resource_pattern: \"%s\"", mask_string(s)) :
							errmsg("invalid input syntax for type devapp.resource_pattern"),
							errdetail("%s", problem_with(error)),
							errhint("Examples: /v1/orders, /v1/orders/{id}, /v1/*/items, /v1/**, =/.")));
	PG_RETURN_TEXT_P(cstring_to_text(s));
}

Datum
devapp_resource_pattern_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(text_to_cstring(PG_GETARG_TEXT_PP(0)));
}

Datum
devapp_resource_pattern_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			len;
	char	   *s = pq_getmsgtext(buf, buf->len - buf->cursor, &len);
	PatternError error = pattern_check(s, (size_t) len);

	if (error != PATTERN_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid devapp.resource_pattern"),
				 errdetail("%s", problem_with(error))));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(s, len));
}

Datum
devapp_resource_pattern_send(PG_FUNCTION_ARGS)
{
	text	   *t = PG_GETARG_TEXT_PP(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendtext(&buf, VARDATA_ANY(t), (int) VARSIZE_ANY_EXHDR(t));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* SQL: why a text is no pattern, or NULL if it is one. */
Datum
devapp_pattern_problem(PG_FUNCTION_ARGS)
{
	text	   *t = PG_GETARG_TEXT_PP(0);
	const char *problem = problem_with(pattern_check(VARDATA_ANY(t),
													 VARSIZE_ANY_EXHDR(t)));

	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

static void *
pattern_alloc(void *arg, size_t size)
{
	return MemoryContextAlloc((MemoryContext) arg, size);
}

static void
pattern_release(void *arg, void *ptr)
{
	pfree(ptr);
}

/* Memory for a set of patterns that lives as long as a context. */
PatternMemory
pattern_memory(MemoryContext context)
{
	return (PatternMemory) {pattern_alloc, pattern_release, context};
}

/* SQL: would this pattern let this path pass?  The rule of a verification. */
Datum
devapp_pattern_matches(PG_FUNCTION_ARGS)
{
	text	   *pattern = PG_GETARG_TEXT_PP(0);
	text	   *path = PG_GETARG_TEXT_PP(1);
	Str p = {VARDATA_ANY(pattern), VARSIZE_ANY_EXHDR(pattern)};
	size_t		len = path_without_query(VARDATA_ANY(path),
										 VARSIZE_ANY_EXHDR(path));
	PatternSet *set;
	const int32_t *matched;
	bool		result;

	if (!path_is_safe(VARDATA_ANY(path), len))
		PG_RETURN_BOOL(false);
	set = pattern_set_build(&p, 1, 0, pattern_memory(CurrentMemoryContext));
	result = pattern_set_match(set, VARDATA_ANY(path), len, &matched) > 0;
	pattern_set_free(set);
	PG_RETURN_BOOL(result);
}
