/*
 * json_object.h
 *		Making a jsonb object member by member.
 */
#ifndef DEVAPP_JSON_OBJECT_H
#define DEVAPP_JSON_OBJECT_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "base/str.h"

/* Its members so far, in the order in which jsonb keeps them; start with zeros. */
typedef struct JsonObjectMaker
{
	int			n;
	int			room;
	JsonbPair  *pairs;
} JsonObjectMaker;

extern void json_set_string(JsonbValue *json, const char *s, size_t len);
extern JsonbValue *json_object_put(JsonObjectMaker *object, Str name, bool *found);
extern void json_object_put_string(JsonObjectMaker *object, const char *name, Str value);
extern Jsonb *json_object_make(const JsonObjectMaker *object);

#endif							/* DEVAPP_JSON_OBJECT_H */
