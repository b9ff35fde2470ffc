/*
 * api_type.h
 *		Rows of the types of the API over HTTP.
 */
#ifndef DEVAPP_API_TYPE_H
#define DEVAPP_API_TYPE_H

#include "postgres.h"

extern Oid	api_type_oid(const char *schema, const char *name);
extern Datum api_type_make(const char *schema, const char *name, const NullableDatum *columns, int n);
extern void api_type_read(Datum row, const char *schema, const char *name, NullableDatum *columns, int n);

#endif							/* DEVAPP_API_TYPE_H */
