/*
 * verdict_type.c
 *		The row type devapp.verdict, and its enum.
 *
 * They are found by name along with the tables of the model, and again when one of
 * those or the type has changed (catalog.c).  The row type is counted by references.
 */
#include "postgres.h"

#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "decide/verdict_type.h"
#include "table/catalog.h"

static Oid	verdict_relation = InvalidOid;
static VerdictType verdict_type;

static void
resolve_verdict_codes(Oid schema)
{
	Oid			enum_type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
											CStringGetDatum("verdict_code"),
											ObjectIdGetDatum(schema));

	for (int i = 0; i < VERDICT_CODES; i++)
	{
		Oid			code = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
										   ObjectIdGetDatum(enum_type),
										   CStringGetDatum(verdict_info[i].code));

		if (!OidIsValid(code))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("devapp.verdict_code has no value %s",
							verdict_info[i].code),
					 errhint("Run ALTER EXTENSION devapp UPDATE.")));
		verdict_type.codes[i] = code;
	}
}

/*
 * Keep a copy of this row type.  The one that was kept stays if it is the same, so
 * that resolving anew changes nothing where nothing has changed; else it goes when
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

	resolve_verdict_codes(schema);
	verdict_relation = catalog_require_relation(schema, "verdict");
	desc = lookup_rowtype_tupdesc(get_rel_type_id(verdict_relation), -1);
	if (desc->natts != VERDICT_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("devapp.verdict has %d columns, but the library knows %d",
						desc->natts, VERDICT_COLUMNS),
				 errhint("Run ALTER EXTENSION devapp UPDATE, or install the library of this version.")));
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

const VerdictType *
verdict_type_find(void)
{
	catalog_refresh();
	return &verdict_type;
}

Oid
verdict_type_code(VerdictCode code)
{
	return verdict_type_find()->codes[code];
}
