/*
 * json_core.h
 *		The members of JSON objects.  Needs no backend.
 */
#ifndef DEVAPP_JSON_CORE_H
#define DEVAPP_JSON_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define JSON_DEPTH_MAX		16
#define JSON_MEMBERS_MAX	256

typedef enum JsonKind
{
	JSON_IS_STRING,
	JSON_IS_NUMBER,
	JSON_IS_TRUE,
	JSON_IS_FALSE,
	JSON_IS_NULL,
	JSON_IS_ARRAY,
	JSON_IS_OBJECT
} JsonKind;

/*
 * text: a string without its quotes and escapes, in UTF-8; anything else as it is written.
 */
typedef struct JsonValue
{
	JsonKind	kind;
	Str			text;
} JsonValue;

typedef struct JsonMember
{
	Str			name;
	JsonValue	value;
} JsonMember;

/*
 * Room for strings that have escapes: a text, and each value in it that is read later,
 * need no more than the length of the text in all.
 */
typedef struct JsonBuffer
{
	char	   *at;
	char	   *end;
} JsonBuffer;

/*
 * What is in an object.  Its strings lie in the text that was read, or in the buffer that
 * the caller brought; both must stay.
 */
typedef struct JsonObject
{
	int			count;
	JsonMember	members[JSON_MEMBERS_MAX];
} JsonObject;

/* Items of an array that json_read_object() has read over. */
typedef struct JsonItems
{
	const char *at;
	const char *end;
	JsonBuffer *buffer;
	bool		started;
} JsonItems;

extern bool json_read_object(Str text, JsonBuffer *buffer, JsonObject *object);
extern const JsonValue *json_member(const JsonObject *object, const char *name);
extern bool json_string(const JsonObject *object, const char *name, Str *out);
extern bool json_micros(const JsonValue *value, int64_t *micros);

extern JsonItems json_items(const JsonValue *array, JsonBuffer *buffer);
extern bool json_next_item(JsonItems *items, JsonValue *item);
extern bool json_items_ended(const JsonItems *items);

#endif							/* DEVAPP_JSON_CORE_H */
