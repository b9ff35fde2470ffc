/*
 * fuzz_json.c
 *		Fuzz target: the members of JSON objects.
 *
 * The reference is PostgreSQL's own parser, from libpgcommon.  Its callbacks look for what
 * it allows and we do not: a name that stands twice, objects that are too deep or have too
 * many members; and its function for UTF-8 looks at the bytes.  Both must come to one
 * opinion of every input, and to the same names and strings.
 */
#include "base/compat.h"

#include "mb/pg_wchar.h"

#include "fuzz.h"
#include "token/json_core.h"

/* ---------- the memory of PostgreSQL's parser, which frees little of it ---------- */

static char memory[1 << 20];
static size_t memory_used;

void *
palloc(Size size)
{
	void	   *p = memory + memory_used;

	memory_used += MAXALIGN(size);
	CHECK(memory_used <= sizeof(memory));
	return p;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

/* what was there before has as many bytes behind it as may be copied */
void *
repalloc(void *pointer, Size size)
{
	char	   *p = palloc(size);
	size_t		room = (size_t) (p - (char *) pointer);

	return memcpy(p, pointer, size < room ? size : room);
}

void
pfree(void *pointer)
{
}

char *
pstrdup(const char *in)
{
	return strcpy(palloc(strlen(in) + 1), in);
}

/* ---------- the reference ---------- */

typedef struct OpenName
{
	const char *text;
	int			depth;			/* of its object */
	int			object;			/* number of its object */
} OpenName;

typedef struct Reference
{
	int			depth;			/* of what is open */
	int			objects[64];	/* numbers of those that are open, 0: an array */
	int			nobjects;		/* of all */
	bool		is_refused;
	bool		is_object;
	int			nnames;
	OpenName	names[JSON_MEMBERS_MAX];
	int			ntop;			/* members of the outermost object */
	const char *top_names[JSON_MEMBERS_MAX];
	const char *top_strings[JSON_MEMBERS_MAX];	/* NULL: not a string */
} Reference;

static void
open_nested(Reference *r, bool is_object)
{
	r->depth++;
	if (r->depth > JSON_DEPTH_MAX)
	{
		r->is_refused = true;
		return;
	}
	if (r->depth == 1)
		r->is_object = is_object;
	r->objects[r->depth] = is_object ? ++r->nobjects : 0;
}

/* The names of an object count until it is closed. */
static void
close_nested(Reference *r)
{
	while (r->nnames > 0 && r->names[r->nnames - 1].depth >= r->depth && r->depth > 1)
		r->nnames--;
	r->depth--;
}

static compat_json_result
object_start(void *arg)
{
	open_nested(arg, true);
	compat_json_return();
}

static compat_json_result
array_start(void *arg)
{
	open_nested(arg, false);
	compat_json_return();
}

static compat_json_result
nested_end(void *arg)
{
	close_nested(arg);
	compat_json_return();
}

static compat_json_result
field_start(void *arg, char *name, bool isnull)
{
	Reference  *r = arg;

	if (r->nnames == JSON_MEMBERS_MAX)
		r->is_refused = true;
	if (r->is_refused)
		compat_json_return();
	for (int i = 0; i < r->nnames; i++)
	{
		if (r->names[i].object == r->objects[r->depth] && strcmp(r->names[i].text, name) == 0)
			r->is_refused = true;
	}
	r->names[r->nnames++] = (OpenName) {name, r->depth, r->objects[r->depth]};
	if (r->depth == 1 && !r->is_refused)
	{
		r->top_names[r->ntop] = name;
		r->top_strings[r->ntop++] = NULL;
	}
	compat_json_return();
}

static compat_json_result
scalar(void *arg, char *token, JsonTokenType type)
{
	Reference  *r = arg;

	if (r->depth == 1 && r->is_object && type == JSON_TOKEN_STRING && !r->is_refused && r->ntop > 0)
		r->top_strings[r->ntop - 1] = token;
	compat_json_return();
}

static bool
reference_read(const char *text, Reference *r)
{
	JsonSemAction actions = {
		.semstate = r,
		.object_start = object_start,
		.object_end = nested_end,
		.array_start = array_start,
		.array_end = nested_end,
		.object_field_start = field_start,
		.scalar = scalar
	};

	memory_used = 0;
	memset(r, 0, sizeof(*r));
	if (pg_encoding_verifymbstr(PG_UTF8, text, (int) strlen(text)) != (int) strlen(text))
		return false;
	return pg_parse_json(compat_json_lexer(text, PG_UTF8), &actions) == JSON_SUCCESS &&
		r->is_object && !r->is_refused;
}

/* ---------- the checks ---------- */

static Str
str_of(const char *s)
{
	return (Str) {s, strlen(s)};
}

static void
check_members(const JsonObject *object, const Reference *r)
{
	CHECK(object->count == r->ntop);
	for (int i = 0; i < object->count; i++)
	{
		const JsonMember *member = &object->members[i];

		CHECK(str_equal(member->name, str_of(r->top_names[i])));
		CHECK((member->value.kind == JSON_IS_STRING) == (r->top_strings[i] != NULL));
		if (r->top_strings[i] != NULL)
			CHECK(str_equal(member->value.text, str_of(r->top_strings[i])));
		CHECK(json_member(object, r->top_names[i]) == &member->value);
	}
}

/* What lies in a value is read as it was read over; a buffer of the text's size has room. */
static void
check_value(const JsonValue *value, JsonBuffer *buffer, int depth)
{
	JsonItems	items;
	JsonValue	item;
	int64_t		micros;

	CHECK(depth <= JSON_DEPTH_MAX);
	if (value->kind == JSON_IS_NUMBER && json_micros(value, &micros))
		CHECK(micros >= 0);
	if (value->kind == JSON_IS_OBJECT)
	{
		JsonObject *object = fuzz_alloc(NULL, sizeof(*object));

		CHECK(json_read_object(value->text, buffer, object));
		for (int i = 0; i < object->count; i++)
			check_value(&object->members[i].value, buffer, depth + 1);
		free(object);
	}
	if (value->kind != JSON_IS_ARRAY)
		return;
	items = json_items(value, buffer);
	while (json_next_item(&items, &item))
		check_value(&item, buffer, depth + 1);
	CHECK(json_items_ended(&items));
}

static void
check_text(const char *text, size_t len)
{
	static Reference reference;
	char	   *room = fuzz_alloc(NULL, len);
	char	   *copy = fuzz_copy(text, len);
	JsonBuffer	buffer = {room, room + len};
	JsonObject *object = fuzz_alloc(NULL, sizeof(*object));
	bool		good = json_read_object((Str) {copy, len}, &buffer, object);

	CHECK(buffer.at <= buffer.end);
	CHECK(good == (strlen(text) == len && reference_read(text, &reference)));
	if (good)
	{
		check_members(object, &reference);
		for (int i = 0; i < object->count; i++)
			check_value(&object->members[i].value, &buffer, 1);
	}
	free(object);
	free(copy);
	free(room);
}

/* The input, and the input inside of an object, where more of it is good. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char wrapped[8192];

	CHECK(size < 4096);
	memcpy(wrapped, data, size);
	wrapped[size] = '\0';
	check_text(wrapped, size);
	memcpy(wrapped, "{\"a\":[\"", 7);
	memcpy(wrapped + 7, data, size);
	memcpy(wrapped + 7 + size, "\"]}", 4);
	check_text(wrapped, size + 10);
	return 0;
}
