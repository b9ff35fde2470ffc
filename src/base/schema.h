/*
 * schema.h
 *		The schema of devapp's tables and public functions.
 */
#ifndef DEVAPP_SCHEMA_H
#define DEVAPP_SCHEMA_H

#include "postgres.h"

extern Oid	schema_of_devapp(void);

#endif							/* DEVAPP_SCHEMA_H */
