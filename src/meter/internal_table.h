/*
 * internal_table.h
 *		Opens a relation of the schema devapp_internal by its name.
 */
#ifndef DEVAPP_INTERNAL_TABLE_H
#define DEVAPP_INTERNAL_TABLE_H

#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"

#include "base/schema.h"

/* As table_open(). */
static inline Relation
internal_table_open(const char *name, LOCKMODE mode)
{
	Oid			schema = get_namespace_oid("devapp_internal", false);

	return table_open(schema_require_relation(schema, name), mode);
}

#endif							/* DEVAPP_INTERNAL_TABLE_H */
