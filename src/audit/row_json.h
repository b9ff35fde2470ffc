/*
 * row_json.h
 *		Some columns of a row as a jsonb object.
 */
#ifndef DEVAPP_ROW_JSON_H
#define DEVAPP_ROW_JSON_H

#include "postgres.h"

#include "utils/jsonb.h"

typedef struct RowMember
{
	const char *name;
	Oid			type;
	NullableDatum value;
} RowMember;

extern Datum row_json(const RowMember *members, int n);

#endif							/* DEVAPP_ROW_JSON_H */
