/*
 * row_json.c
 *		Some columns of a row as a jsonb object.
 *
 * jsonb_build_object() looks up for each value how its type becomes jsonb, and calls the
 * type's output function; for a row of ours that takes five times as many instructions as
 * writing the few types that our tables have.  What has a value of another type is left to
 * jsonb_build_object(), which says the same.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include "audit/row_json.h"
#include "base/compat.h"
#include "base/json_object.h"
#include "base/uuid.h"

/* The shortest decimal of a finite number, whatever extra_float_digits says. */
static Datum
shortest_numeric(float8 value)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(value, digits);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(digits), ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

/* ---------- by PostgreSQL ---------- */

/* A number goes there as a numeric, or it would be as long as extra_float_digits says. */
static RowMember
without_float(RowMember member)
{
	float8		value;

	if (member.type != FLOAT8OID || member.value.isnull)
		return member;
	value = DatumGetFloat8(member.value.value);
	if (!isfinite(value))
		return member;
	member.type = NUMERICOID;
	member.value.value = shortest_numeric(value);
	return member;
}

/* jsonb_build_object(name, value, ...) */
static Datum
build_object(const RowMember *members, int n)
{
	FunctionCallInfo call = palloc0(SizeForFunctionCallInfo(2 * n));
	FmgrInfo	function;
	List	   *types = NIL;

	fmgr_info(F_JSONB_BUILD_OBJECT_ANY, &function);
	InitFunctionCallInfoData(*call, &function, (short) (2 * n), InvalidOid, NULL, NULL);
	for (int i = 0; i < n; i++)
	{
		RowMember	member = without_float(members[i]);

		call->args[2 * i].value = CStringGetTextDatum(member.name);
		call->args[2 * i + 1] = member.value;
		types = lappend(types, makeNullConst(TEXTOID, -1, InvalidOid));
		types = lappend(types, makeNullConst(member.type, -1, InvalidOid));
	}
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSONB_BUILD_OBJECT_ANY, JSONBOID, types,
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
					   &function);
	return FunctionCallInvoke(call);
}

/* ---------- values of the types that our tables have ---------- */

static void
set_text(JsonbValue *json, Datum value)
{
	text	   *t = DatumGetTextPP(value);

	json_set_string(json, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
}

static void
set_uuid(JsonbValue *json, Datum value)
{
	const char *s = uuid_text(DatumGetUUIDP(value));

	json_set_string(json, s, strlen(s));
}

static void
set_timestamptz(JsonbValue *json, Datum value)
{
	char	   *s = JsonEncodeDateTime(palloc(MAXDATELEN + 1), value, TIMESTAMPTZOID, NULL);

	json_set_string(json, s, strlen(s));
}

static bool
set_float(JsonbValue *json, float8 value)
{
	if (!isfinite(value))
		return false;
	json->type = jbvNumeric;
	json->val.numeric = DatumGetNumeric(shortest_numeric(value));
	return true;
}

static void
set_int(JsonbValue *json, int64 value)
{
	json->type = jbvNumeric;
	json->val.numeric = int64_to_numeric(value);
}

/* A list of texts; of other arrays, those without elements. */
static bool
set_array(JsonbValue *json, Oid type, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *texts;
	bool	   *nulls;
	int			n = 0;

	if (ARR_NDIM(array) > (type == TEXTARRAYOID ? 1 : 0))
		return false;
	if (type == TEXTARRAYOID)
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &n);
	json->type = jbvArray;
	json->val.array.nElems = n;
	json->val.array.rawScalar = false;
	json->val.array.elems = palloc0(sizeof(JsonbValue) * (size_t) n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			set_text(&json->val.array.elems[i], texts[i]);
	}
	return true;
}

/* Of jsonb, only an object without members is as quick to write here. */
static bool
set_jsonb(JsonbValue *json, Datum value)
{
	Jsonb	   *jsonb = DatumGetJsonbP(value);

	json->type = jbvObject;
	json->val.object.nPairs = 0;
	json->val.object.pairs = NULL;
	return JB_ROOT_IS_OBJECT(jsonb) && JB_ROOT_COUNT(jsonb) == 0;
}

/* False for a value that is left to PostgreSQL. */
static bool
set_value(JsonbValue *json, Oid type, Datum value)
{
	switch (type)
	{
		case TEXTOID:
			set_text(json, value);
			return true;
		case UUIDOID:
			set_uuid(json, value);
			return true;
		case TIMESTAMPTZOID:
			set_timestamptz(json, value);
			return true;
		case INT4OID:
			set_int(json, DatumGetInt32(value));
			return true;
		case INT8OID:
			set_int(json, DatumGetInt64(value));
			return true;
		case FLOAT8OID:
			return set_float(json, DatumGetFloat8(value));
		case BOOLOID:
			json->type = jbvBool;
			json->val.boolean = DatumGetBool(value);
			return true;
		case JSONBOID:
			return set_jsonb(json, value);
		case TEXTARRAYOID:
		case CIDRARRAYOID:
		case INETARRAYOID:
			return set_array(json, type, value);
		default:
			return false;
	}
}

/* ---------- the object ---------- */

/* The names differ, as those of columns do, and outlive the call. */
Datum
row_json(const RowMember *members, int n)
{
	JsonObjectMaker object = {.room = n};

	for (int i = 0; i < n; i++)
	{
		bool		found;
		JsonbValue *value = json_object_put(&object, (Str) {members[i].name, strlen(members[i].name)},
											&found);

		if (!members[i].value.isnull &&
			!set_value(value, members[i].type, members[i].value.value))
			return build_object(members, n);
	}
	return JsonbPGetDatum(json_object_make(&object));
}
