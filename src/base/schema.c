/*
 * schema.c
 *		The schema of devapp's tables and public functions.
 *
 * Each trigger asks for it, so it is looked up by name only after a schema has changed.  No locks.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/schema.h"

static Oid	known = InvalidOid;

static void
schema_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	known = InvalidOid;
}

/* InvalidOid where there is none. */
Oid
schema_of_devapp(void)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, (Datum) 0);
		registered = true;
	}
	if (!OidIsValid(known))
		known = get_namespace_oid("devapp", true);
	return known;
}

Oid
schema_require_relation(Oid schema, const char *name)
{
	Oid			relid = get_relname_relid(name, schema);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s.%s\" does not exist", get_namespace_name(schema), name),
				 errhint("Run ALTER EXTENSION devapp UPDATE.")));
	return relid;
}
