/*
 * schema.h
 *		The schema of devapp's tables and public functions.
 */
#ifndef DEVAPP_SCHEMA_H
#define DEVAPP_SCHEMA_H

#include "postgres.h"

extern Oid	schema_of_devapp(void);

/* A relation of one of devapp's schemas, or an error. */
extern Oid	schema_require_relation(Oid schema, const char *name);

#endif							/* DEVAPP_SCHEMA_H */
