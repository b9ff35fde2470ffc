/*
 * version.c
 *		The version of the catalog that the library serves.
 *
 * The library serves the catalog of its own version, and until ALTER EXTENSION devapp UPDATE that
 * of the release before, so an upgrade never stops verification.  What that release lacks is
 * declared where it is used: a column that is missing reads as NULL, a table or index that is
 * missing holds no rows (catalog.c), a missing verdict code is replaced by another one
 * (verdict_type.c).  Every other version is refused.
 *
 * The catalog's version is the body of devapp_internal.catalog_version(), which each update
 * replaces.  One look-up in the system cache finds it; pg_extension has no such cache before
 * PostgreSQL 18, and opening it would cost a new session more than resolving the rest.  The
 * version is kept until a change of that function is heard of.  No locks.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/library.h"
#include "base/version.h"

PG_FUNCTION_INFO_V1(devapp_serves_catalog);

#define VERSION_FUNCTION	"catalog_version"
#define VERSION_LEN			32

typedef enum CatalogAge
{
	CATALOG_UNKNOWN,
	CATALOG_PREVIOUS,
	CATALOG_CURRENT
} CatalogAge;

static CatalogAge catalog_age = CATALOG_UNKNOWN;
static uint32 version_hash;

/* what else is to be forgotten when the version changes */
static void (*version_changed) (void);

static NameData *
version_function(void)
{
	static NameData name = {VERSION_FUNCTION};

	return &name;
}

static void
function_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	if (hashvalue != 0 && version_hash != 0 && hashvalue != version_hash)
		return;
	catalog_age = CATALOG_UNKNOWN;
	version_changed();
}

void
version_init(void (*changed) (void))
{
	version_changed = changed;
	CacheRegisterSyscacheCallback(PROCNAMEARGSNSP, function_changed, (Datum) 0);
}

/* The body is SELECT 'version'. */
static void
copy_version(char *version, HeapTuple function)
{
	bool		isnull;
	Datum		body = SysCacheGetAttr(PROCNAMEARGSNSP, function, Anum_pg_proc_prosrc, &isnull);
	const char *start = isnull ? NULL : strchr(TextDatumGetCString(body), '\'');

	if (start != NULL)
		strlcpy(version, start + 1, Min((size_t) VERSION_LEN, strcspn(start + 1, "'") + 1));
}

/* Empty where the schema has no such function. */
static void
find_version(Oid schema, char *version)
{
	oidvector  *no_arguments = buildoidvector(NULL, 0);
	HeapTuple	function = SearchSysCache3(PROCNAMEARGSNSP, NameGetDatum(version_function()),
										   PointerGetDatum(no_arguments), ObjectIdGetDatum(schema));

	version_hash = GetSysCacheHashValue3(PROCNAMEARGSNSP, NameGetDatum(version_function()),
										 PointerGetDatum(no_arguments), ObjectIdGetDatum(schema));
	*version = '\0';
	if (HeapTupleIsValid(function))
	{
		copy_version(version, function);
		ReleaseSysCache(function);
	}
	pfree(no_arguments);
}

/* Numbers with points between them. */
static bool
is_older(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0')
	{
		char	   *end_of_a;
		char	   *end_of_b;
		unsigned long x = strtoul(a, &end_of_a, 10);
		unsigned long y = strtoul(b, &end_of_b, 10);

		if (x != y || end_of_a == a || end_of_b == b)
			return x < y;
		a = end_of_a + (*end_of_a != '\0');
		b = end_of_b + (*end_of_b != '\0');
	}
	return *a == '\0' && *b != '\0';
}

static compat_noreturn void
refuse_version(const char *version)
{
	if (*version == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not determine the version of the catalog of extension \"devapp\""),
				 errhint("Create extension \"devapp\" in this database, in the version of its library.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the library of devapp %s is not compatible with the catalog of devapp %s", DEVAPP_VERSION,
					version),
			 is_older(DEVAPP_VERSION, version) ?
			 errhint("Install the library of devapp %s again, and restart the server.", version) :
			 errhint("A library is compatible with its own version and the previous release. Install the releases in between one by one, and run ALTER EXTENSION devapp UPDATE after each.")));
}

/* CATALOG_UNKNOWN: the library does not serve this version. */
static CatalogAge
find_age(char *version)
{
	find_version(get_namespace_oid("devapp_internal", false), version);
	if (strcmp(version, DEVAPP_VERSION) == 0)
		return CATALOG_CURRENT;
	return *version != '\0' && strcmp(version, DEVAPP_PREVIOUS) == 0 ? CATALOG_PREVIOUS : CATALOG_UNKNOWN;
}

/* An error where the library does not serve this catalog. */
void
version_require(void)
{
	char		version[VERSION_LEN];

	if (likely(catalog_age != CATALOG_UNKNOWN))
		return;
	catalog_age = find_age(version);
	if (catalog_age == CATALOG_UNKNOWN)
		refuse_version(version);
}

bool
version_is_previous(void)
{
	version_require();
	return catalog_age == CATALOG_PREVIOUS;
}

/* May the catalog lack what came with this version?  NULL: it has always been there. */
bool
version_may_lack(const char *since)
{
	return since != NULL && version_is_previous() && strcmp(since, DEVAPP_VERSION) == 0;
}

/* SQL: devapp_internal.serves_catalog(): does the library serve the catalog of this database? */
Datum
devapp_serves_catalog(PG_FUNCTION_ARGS)
{
	char		version[VERSION_LEN];

	PG_RETURN_BOOL(find_age(version) != CATALOG_UNKNOWN);
}
