/*
 * verdict_type.c
 *		The row type devapp.verdict, and its enum.
 *
 * They are found by name along with the tables of the model, and again when one of
 * those or the type has changed (catalog.c).  The row type is counted by references.  The catalog
 * of the release before may lack codes and columns of this version (base/version.c).
 */
#include "postgres.h"

#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/schema.h"
#include "base/version.h"
#include "decide/verdict_type.h"
#include "table/catalog.h"

static Oid	verdict_relation = InvalidOid;
static VerdictType verdict_type;

static Oid
lookup_code(Oid codes_type, VerdictCode code)
{
	return GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid, ObjectIdGetDatum(codes_type),
						   CStringGetDatum(verdict_info[code].code));
}

/* Each is looked up when a verdict needs it: few are, in a session. */
static Oid
find_code(Oid codes_type, VerdictCode code)
{
	Oid			found = lookup_code(codes_type, code);

	/* it came with this version; status and fault of the verdict stay its own */
	if (!OidIsValid(found) && version_is_previous())
		found = lookup_code(codes_type, verdict_stand_in(code));
	if (!OidIsValid(found))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type \"devapp.verdict_code\" has no value \"%s\"",
						verdict_info[code].code),
				 errhint("Run ALTER EXTENSION devapp UPDATE.")));
	return found;
}

/*
 * Keep a copy of this row type.  The one that was kept stays if it is the same, so
 * that resolving again changes nothing where nothing has changed; else it goes when
 * the last that has pinned it lets go.
 */
static void
keep_verdict_desc(TupleDesc desc)
{
	TupleDesc	kept = verdict_type.desc;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	TupleDesc	copy = CreateTupleDescCopy(desc);

	MemoryContextSwitchTo(old);
	if (kept != NULL && equalTupleDescs(kept, copy))
	{
		FreeTupleDesc(copy);
		return;
	}
	copy->tdrefcount = 1;
	verdict_type.desc = copy;
	if (kept != NULL && --kept->tdrefcount == 0)
		FreeTupleDesc(kept);
}

static void
resolve_verdict(Oid schema)
{
	TupleDesc	desc;

	memset(verdict_type.codes, 0, sizeof(verdict_type.codes));
	verdict_relation = schema_require_relation(schema, "verdict");
	desc = lookup_rowtype_tupdesc(get_rel_type_id(verdict_relation), -1);
	/* of the release before it may have fewer; values of the first ones make a row of it */
	if (desc->natts > VERDICT_COLUMNS || (desc->natts < VERDICT_COLUMNS && !version_is_previous()))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type \"devapp.verdict\" has %d columns, but the library expects %d",
						desc->natts, VERDICT_COLUMNS),
				 errhint("Run ALTER EXTENSION devapp UPDATE, or install the library of this version.")));
	verdict_type.codes_type = TupleDescAttr(desc, VERDICT_CODE_COLUMN)->atttypid;
	keep_verdict_desc(desc);
	row_lay_out(&verdict_type.layout, desc);
	ReleaseTupleDesc(desc);
}

static bool
is_verdict_relation(Oid relid)
{
	return relid == verdict_relation;
}

void
verdict_type_init(void)
{
	static const CatalogPart part = {resolve_verdict, is_verdict_relation};

	catalog_add_part(&part);
}

VerdictType *
verdict_type_find(void)
{
	catalog_refresh();
	return &verdict_type;
}

/* The value of the enum.  Looking it up leaves the type as it was found. */
Oid
verdict_code(VerdictType *type, VerdictCode code)
{
	if (unlikely(!OidIsValid(type->codes[code])))
		type->codes[code] = find_code(type->codes_type, code);
	return type->codes[code];
}

Oid
verdict_type_code(VerdictCode code)
{
	return verdict_code(verdict_type_find(), code);
}
