/*
 * list.c
 *		Arrays that callers give as lists.
 *
 * An array of PostgreSQL may have several dimensions, and most readers would take its
 * values for those of a list.  Every list of a caller goes through here, so that such an
 * array has one and the same answer everywhere.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/list.h"

/* Would list_require() take it? */
bool
list_is_plain(ArrayType *array)
{
	return ARR_NDIM(array) <= 1 && !array_contains_nulls(array);
}

/* Refuse an array of more than one dimension.  name: what the error calls it. */
void
list_require_flat(const ArrayType *array, const char *name)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be a list", name),
				 errhint("Give a one-dimensional array.")));
}

/* The same, and nulls in it. */
void
list_require(ArrayType *array, const char *name)
{
	list_require_flat(array, name);
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain null values", name),
				 errhint("Leave them out.")));
}
