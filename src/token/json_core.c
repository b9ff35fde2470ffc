/*
 * json_core.c
 *		The members of JSON objects (RFC 8259).  Needs no backend.
 *
 * This reads what strangers sign, so it refuses whatever two readers could understand
 * differently: a name that stands twice in one object, at any depth; bytes that are not
 * UTF-8; the escape of a zero, or of half a surrogate pair.  It reads one object, with
 * JSON_DEPTH_MAX levels at most; of its members it keeps name and value, and of values
 * inside these the text, which json_read_object() and json_items() read when asked.
 *
 * The parser of PostgreSQL is not used, for three reasons: it raises errors (of escapes
 * that the encoding of the database does not have, for example), it allows a name to stand
 * twice, and it leaves copies of all strings in freed memory, where some of ours are
 * secrets.  test/fuzz/fuzz_json.c compares the two.
 */
#include "token/json_core.h"

#include <stdlib.h>

#include "base/utf8.h"

typedef struct Reader
{
	const char *at;
	const char *end;
	JsonBuffer *buffer;
	JsonMember *names;			/* of the objects that are open; NULL: do not look for two */
	int			nnames;
	int			depth;
} Reader;

static bool read_value(Reader *r, JsonValue *value);

/* ---------- characters ---------- */

static void
skip_space(Reader *r)
{
	while (r->at < r->end &&
		   (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

static bool
take_char(Reader *r, char c)
{
	if (r->at >= r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool
take_word(Reader *r, const char *word)
{
	size_t		len = strlen(word);

	if ((size_t) (r->end - r->at) < len || memcmp(r->at, word, len) != 0)
		return false;
	r->at += len;
	return true;
}

static bool
is_digit(const Reader *r)
{
	return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static bool
take_digits(Reader *r)
{
	if (!is_digit(r))
		return false;
	while (is_digit(r))
		r->at++;
	return true;
}

/* Write a code point, return where the next one goes. */
static char *
put_utf8(char *out, uint32_t code)
{
	if (code < 0x80)
		*out++ = (char) code;
	else if (code < 0x800)
		*out++ = (char) (0xC0 | code >> 6);
	else if (code < 0x10000)
	{
		*out++ = (char) (0xE0 | code >> 12);
		*out++ = (char) (0x80 | (code >> 6 & 0x3F));
	}
	else
	{
		*out++ = (char) (0xF0 | code >> 18);
		*out++ = (char) (0x80 | (code >> 12 & 0x3F));
		*out++ = (char) (0x80 | (code >> 6 & 0x3F));
	}
	if (code >= 0x80)
		*out++ = (char) (0x80 | (code & 0x3F));
	return out;
}

/* ---------- strings ---------- */

static bool
read_hex4(Reader *r, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 4; i++, r->at++)
	{
		char		c;

		if (r->at >= r->end)
			return false;
		c = ascii_lower(*r->at);
		if (c >= '0' && c <= '9')
			*value = *value << 4 | (uint32_t) (c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value << 4 | (uint32_t) (c - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* What follows "\u". */
static bool
read_code_point(Reader *r, uint32_t *code)
{
	uint32_t	low;

	if (!read_hex4(r, code) || *code == 0 || (*code >= 0xDC00 && *code <= 0xDFFF))
		return false;
	if (*code < 0xD800 || *code > 0xDBFF)
		return true;
	if (!take_word(r, "\\u") || !read_hex4(r, &low) || low < 0xDC00 || low > 0xDFFF)
		return false;
	*code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
	return true;
}

/* What follows a backslash. */
static bool
read_escape(Reader *r, uint32_t *code)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (r->at >= r->end || *r->at == '\0')
		return false;
	if (*r->at == 'u')
	{
		r->at++;
		return read_code_point(r, code);
	}
	found = strchr(names, *r->at++);
	if (found == NULL)
		return false;
	*code = (uint32_t) values[found - names];
	return true;
}

/* Read over the characters of a string, up to its quote, or to an escape if there is one. */
static bool
read_plain_characters(Reader *r)
{
	while (r->at < r->end && *r->at != '"' && *r->at != '\\')
	{
		size_t		len = 1;

		if ((unsigned char) *r->at < 0x20)
			return false;
		if ((unsigned char) *r->at >= 0x80)
			len = utf8_length(r->at, r->end);
		if (len == 0)
			return false;
		r->at += len;
	}
	return r->at < r->end;
}

/*
 * The rest of a string that has escapes, whose first characters are from start on.  What
 * is written is never longer than what it is made of.
 */
static bool
read_escaped_string(Reader *r, const char *start, Str *out)
{
	char	   *to = r->buffer->at;

	out->data = to;
	for (;;)
	{
		size_t		len = (size_t) (r->at - start);
		uint32_t	code;

		if ((size_t) (r->buffer->end - to) < len)
			return false;
		memcpy(to, start, len);
		to += len;
		if (take_char(r, '"'))
			break;
		r->at++;				/* the backslash */
		if (!read_escape(r, &code) || r->buffer->end - to < 4)
			return false;
		to = put_utf8(to, code);
		start = r->at;
		if (!read_plain_characters(r))
			return false;
	}
	out->len = (size_t) (to - out->data);
	r->buffer->at = to;
	return true;
}

static bool
read_string(Reader *r, Str *out)
{
	const char *start = r->at + 1;

	if (!take_char(r, '"') || !read_plain_characters(r))
		return false;
	if (*r->at == '\\')
		return read_escaped_string(r, start, out);
	*out = (Str) {start, (size_t) (r->at - start)};
	r->at++;
	return true;
}

/* ---------- values ---------- */

static bool
read_number(Reader *r)
{
	(void) take_char(r, '-');
	if (!take_char(r, '0') && !take_digits(r))
		return false;
	if (take_char(r, '.') && !take_digits(r))
		return false;
	if (take_char(r, 'e') || take_char(r, 'E'))
	{
		if (!take_char(r, '-'))
			(void) take_char(r, '+');
		return take_digits(r);
	}
	return true;
}

static bool
read_array(Reader *r)
{
	JsonValue	item;

	r->at++;
	skip_space(r);
	if (take_char(r, ']'))
		return true;
	do
	{
		skip_space(r);
		if (!read_value(r, &item))
			return false;
		skip_space(r);
	} while (take_char(r, ','));
	return take_char(r, ']');
}

/* Is there a member of that name in the object whose members begin at first? */
static bool
has_name(const Reader *r, int first, Str name)
{
	for (int i = first; i < r->nnames; i++)
	{
		if (str_equal(r->names[i].name, name))
			return true;
	}
	return false;
}

/* Keep a name while its object is open; false if there is no room, or it is there already. */
static bool
push_name(Reader *r, int first, Str name)
{
	if (r->names == NULL)
		return true;
	if (r->nnames == JSON_MEMBERS_MAX || has_name(r, first, name))
		return false;
	r->names[r->nnames++].name = name;
	return true;
}

static bool
read_member(Reader *r, int first)
{
	Str			name;
	JsonValue	value;
	int			mine = r->nnames;

	skip_space(r);
	if (!read_string(r, &name) || !push_name(r, first, name))
		return false;
	skip_space(r);
	if (!take_char(r, ':'))
		return false;
	skip_space(r);
	if (!read_value(r, &value))
		return false;
	skip_space(r);
	if (r->names != NULL)
		r->names[mine].value = value;
	return true;
}

/* An object; the names of its members stay in r->names. */
static bool
read_members(Reader *r)
{
	int			first = r->nnames;

	r->at++;
	skip_space(r);
	if (take_char(r, '}'))
		return true;
	do
	{
		if (!read_member(r, first))
			return false;
	} while (take_char(r, ','));
	return take_char(r, '}');
}

static bool
read_nested(Reader *r, JsonKind kind)
{
	int			open = r->nnames;
	char	   *room = r->buffer->at;
	bool		good;

	if (r->depth == JSON_DEPTH_MAX)
		return false;
	r->depth++;
	good = kind == JSON_IS_OBJECT ? read_members(r) : read_array(r);
	r->depth--;
	r->nnames = open;
	r->buffer->at = room;
	return good;
}

static bool
read_value(Reader *r, JsonValue *value)
{
	const char *start = r->at;
	bool		good;

	switch (r->at < r->end ? *r->at : '\0')
	{
		case '"':
			value->kind = JSON_IS_STRING;
			return read_string(r, &value->text);
		case '{':
			value->kind = JSON_IS_OBJECT;
			good = read_nested(r, JSON_IS_OBJECT);
			break;
		case '[':
			value->kind = JSON_IS_ARRAY;
			good = read_nested(r, JSON_IS_ARRAY);
			break;
		case 't':
			value->kind = JSON_IS_TRUE;
			good = take_word(r, "true");
			break;
		case 'f':
			value->kind = JSON_IS_FALSE;
			good = take_word(r, "false");
			break;
		case 'n':
			value->kind = JSON_IS_NULL;
			good = take_word(r, "null");
			break;
		default:
			value->kind = JSON_IS_NUMBER;
			good = read_number(r);
	}
	value->text = (Str) {start, (size_t) (r->at - start)};
	return good;
}

/* ---------- for callers ---------- */

/*
 * Read a text that is an object and nothing else.  Its members are all different.  False
 * if it is not one, or has too much in it, or more with escapes than the buffer has room for.
 */
bool
json_read_object(Str text, JsonBuffer *buffer, JsonObject *object)
{
	Reader		r = {.at = text.data, .end = text.data + text.len, .buffer = buffer,
	.names = object->members, .depth = 1};

	object->count = 0;
	if (text.len == 0)
		return false;
	skip_space(&r);
	if (r.at == r.end || *r.at != '{' || !read_members(&r))
		return false;
	skip_space(&r);
	object->count = r.nnames;
	return r.at == r.end;
}

const JsonValue *
json_member(const JsonObject *object, const char *name)
{
	for (int i = 0; i < object->count; i++)
	{
		if (str_is(object->members[i].name, name))
			return &object->members[i].value;
	}
	return NULL;
}

/*
 * The string of that name.  out->data is NULL where there is no such member; false if the
 * member is not a string.
 */
bool
json_string(const JsonObject *object, const char *name, Str *out)
{
	const JsonValue *value = json_member(object, name);

	*out = (Str) {NULL, 0};
	if (value == NULL)
		return true;
	if (value->kind != JSON_IS_STRING)
		return false;
	*out = value->text;
	return true;
}

/* The last second of the year 9999. */
#define SECONDS_MAX 253402300799.0

/*
 * A moment (NumericDate: seconds since 1970, which may have a fraction) in microseconds.
 * False if it is not a number, or not from 1970 to 9999.
 */
bool
json_micros(const JsonValue *value, int64_t *micros)
{
	char		number[64];
	double		seconds;

	if (value->kind != JSON_IS_NUMBER || value->text.len >= sizeof(number))
		return false;
	memcpy(number, value->text.data, value->text.len);
	number[value->text.len] = '\0';
	seconds = strtod(number, NULL);
	if (!(seconds >= 0 && seconds <= SECONDS_MAX))
		return false;
	*micros = (int64_t) (seconds * 1e6);
	return true;
}

/* The items of an array; the buffer has room for strings with escapes. */
JsonItems
json_items(const JsonValue *array, JsonBuffer *buffer)
{
	return (JsonItems) {.at = array->text.data + 1,
		.end = array->text.data + array->text.len - 1,
		.buffer = buffer};
}

/*
 * The next item, false after the last one, and where the buffer is full; json_items_ended()
 * tells which.  Nothing else can be wrong: the text was read before.
 */
bool
json_next_item(JsonItems *items, JsonValue *item)
{
	Reader		r = {.at = items->at, .end = items->end, .buffer = items->buffer};

	skip_space(&r);
	if (items->started && !take_char(&r, ','))
		return false;
	skip_space(&r);
	if (r.at == r.end || !read_value(&r, item))
		return false;
	items->started = true;
	items->at = r.at;
	return true;
}

/* After json_next_item() was false: have all items been there? */
bool
json_items_ended(const JsonItems *items)
{
	Reader		r = {.at = items->at, .end = items->end};

	skip_space(&r);
	return r.at == r.end;
}
