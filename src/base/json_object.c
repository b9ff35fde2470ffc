/*
 * json_object.c
 *		Making a jsonb object member by member.
 *
 * What PostgreSQL has for this parses or sorts, and differs between majors; an object whose
 * members are in order is written by all of them.  Names and values that are put in must stay
 * until the object is made.
 */
#include "postgres.h"

#include "base/json_object.h"
#include "base/vec.h"

void
json_set_string(JsonbValue *json, const char *s, size_t len)
{
	json->type = jbvString;
	json->val.string.val = unconstify(char *, s);
	json->val.string.len = (int) len;
}

/* The order of jsonb: shorter names first. */
static int
compare_name(const JsonbValue *left, Str right)
{
	size_t		len = (size_t) left->val.string.len;

	if (len != right.len)
		return len < right.len ? -1 : 1;
	return len == 0 ? 0 : memcmp(left->val.string.val, right.data, len);
}

/*
 * The value of the member of that name, which is made if it is not there; it is null then.  The
 * pointer is good until the next member is put in.
 */
JsonbValue *
json_object_put(JsonObjectMaker *object, Str name, bool *found)
{
	int			place = object->n;
	JsonbPair  *pair;

	while (place > 0)
	{
		int			order = compare_name(&object->pairs[place - 1].key, name);

		*found = order == 0;
		if (*found)
			return &object->pairs[place - 1].value;
		if (order < 0)
			break;
		place--;
	}
	*found = false;
	if (object->room == 0)
		object->room = 8;
	object->pairs = vec_reserve(object->pairs, object->n, &object->room, sizeof(JsonbPair));
	pair = &object->pairs[place];
	memmove(pair + 1, pair, sizeof(JsonbPair) * (size_t) (object->n - place));
	object->n++;
	memset(pair, 0, sizeof(JsonbPair));
	json_set_string(&pair->key, name.data, name.len);
	return &pair->value;
}

/* Put a string, in the place of what the member was before. */
void
json_object_put_string(JsonObjectMaker *object, const char *name, Str value)
{
	bool		found;

	json_set_string(json_object_put(object, (Str) {name, strlen(name)}, &found), value.data, value.len);
}

Jsonb *
json_object_make(const JsonObjectMaker *object)
{
	JsonbValue	value = {.type = jbvObject};

	value.val.object.nPairs = object->n;
	value.val.object.pairs = object->pairs;
	return JsonbValueToJsonb(&value);
}
