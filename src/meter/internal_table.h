/*
 * internal_table.h
 *		Opens a relation of the schema devapp_internal by its name.
 */
#ifndef DEVAPP_INTERNAL_TABLE_H
#define DEVAPP_INTERNAL_TABLE_H

#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/lsyscache.h"

/* As table_open(). */
static inline Relation
internal_table_open(const char *name, LOCKMODE mode)
{
	Oid			schema = get_namespace_oid("devapp_internal", false);
	Oid			id = get_relname_relid(name, schema);

	if (!OidIsValid(id))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation devapp_internal.%s does not exist", name),
				 errhint("Run ALTER EXTENSION devapp UPDATE.")));
	return table_open(id, mode);
}

#endif							/* DEVAPP_INTERNAL_TABLE_H */
