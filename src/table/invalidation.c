/*
 * invalidation.c
 *		When did something that an entitlement was built from change?
 *
 * PostgreSQL tells every backend of a changed relation: at commit, at the next
 * command of the own transaction, at a rollback to before the change, and on a
 * standby when the commit is replayed.  This file makes it tell of changed rows
 * as well.  There are 256 proxy relations, devapp_cache.proxy_00 to proxy_ff,
 * of no other use; the trigger invalidate_cache() on the tables of the model declares
 * the proxy of a row's id changed, which is the one of the last byte of the id.
 * The tables themselves are never declared changed, because that would make every
 * backend forget all it knows of them.
 *
 * Moments are counted.  For each proxy the moment of its last change is kept; an
 * entitlement that was loaded at a moment is stale if one of the ids it depends
 * on has the proxy of a later change.  A change thus also drops the entitlements
 * that happen to share a proxy with it: of one with an app, an owner, a
 * credential and a product, 4 of 256 changes of other things.  Loading anew costs
 * one first touch.
 *
 * The moment of loading is read before the snapshot is taken.  A commit makes its
 * rows visible first and sends its messages then, so whoever loaded without
 * seeing it gets the message later and drops what he has.
 *
 * No shared memory, no locks.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/schema.h"
#include "base/trigger.h"
#include "table/invalidation.h"

PG_FUNCTION_INFO_V1(devapp_invalidate_cache);

#define PROXIES		256
#define SLOTS		1024		/* of the hash table, a power of two */

/*
 * The number of proxies that are looked up one by one.  A backend that needs more will soon
 * need most of them, and one scan of the catalog for all costs as much as some fifteen look-ups.
 */
#define SINGLE_LOOKUPS	16

uint64		invalidation_moment = 1;
static uint64 everything_changed = 0;
static uint64 other_changed = 0;	/* some relation that is not watched */
static uint64 proxy_changed[PROXIES];

/*
 * The proxies that somebody depends on, by OID.  A proxy that is not here has
 * nobody to tell.
 */
static Oid	proxy_oid[PROXIES];
static int	watched = 0;		/* how many they are */
static struct
{
	Oid			oid;
	uint8		proxy;
}			slots[SLOTS];

static inline uint8
proxy_of(const pg_uuid_t *id)
{
	return id->data[UUID_LEN - 1];
}

static void
forget_proxies(void)
{
	memset(proxy_oid, 0, sizeof(proxy_oid));
	memset(slots, 0, sizeof(slots));
	watched = 0;
}

void
invalidation_of_everything(void)
{
	everything_changed = ++invalidation_moment;
	forget_proxies();
}

static void
relation_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid)
	{
		invalidation_of_everything();
		return;
	}
	for (uint32 i = relid % SLOTS; OidIsValid(slots[i].oid); i = (i + 1) % SLOTS)
	{
		if (slots[i].oid == relid)
		{
			proxy_changed[slots[i].proxy] = ++invalidation_moment;
			return;
		}
	}
	other_changed = ++invalidation_moment;
}

void
invalidation_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

/* Hear of all that was committed up to now, and return the present moment. */
uint64
invalidation_accept(void)
{
	AcceptInvalidationMessages();
	return invalidation_moment;
}

static Oid
proxy_schema(void)
{
	return get_namespace_oid("devapp_cache", false);
}

static void
name_proxy(char *name, uint8 proxy)
{
	snprintf(name, NAMEDATALEN, "proxy_%02x", proxy);
}

static Oid
lookup_proxy(uint8 proxy)
{
	char		name[NAMEDATALEN];

	name_proxy(name, proxy);
	return schema_require_relation(proxy_schema(), name);
}

/*
 * From now on, changes of a proxy are heard of.  One that came since the caller began to
 * load may have gone by unheard, so the last change of any relation that was not
 * watched is taken for it.
 */
static void
watch_proxy(uint8 proxy, Oid oid)
{
	uint32		i;

	for (i = oid % SLOTS; OidIsValid(slots[i].oid); i = (i + 1) % SLOTS)
		;
	slots[i].oid = oid;
	slots[i].proxy = proxy;
	proxy_oid[proxy] = oid;
	proxy_changed[proxy] = other_changed;
	watched++;
}

/* The OIDs of all proxies; what is not there stays invalid. */
static void
find_proxies(Oid *oids)
{
	Oid			schema = proxy_schema();
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	NameData	first = {"proxy_00"};
	NameData	last = {"proxy_ff"};
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_class_relname, BTGreaterEqualStrategyNumber, F_NAMEGE,
				NameGetDatum(&first));
	ScanKeyInit(&keys[1], Anum_pg_class_relname, BTLessEqualStrategyNumber, F_NAMELE,
				NameGetDatum(&last));
	ScanKeyInit(&keys[2], Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(rel, ClassNameNspIndexId, true, NULL, 3, keys);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		uint8		proxy = (uint8) strtoul(NameStr(form->relname) + strlen("proxy_"), NULL, 16);
		char		name[NAMEDATALEN];

		name_proxy(name, proxy);
		if (namestrcmp(&form->relname, name) == 0)
			oids[proxy] = form->oid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Nothing is noted before the scan is over, because it may bring messages of changes. */
static void
watch_all_proxies(void)
{
	Oid			oids[PROXIES] = {InvalidOid};

	find_proxies(oids);
	for (int i = 0; i < PROXIES; i++)
	{
		if (OidIsValid(oids[i]) && !OidIsValid(proxy_oid[i]))
			watch_proxy((uint8) i, oids[i]);
	}
}

/* From now on, changes of this id are heard of. */
void
invalidation_watch(const pg_uuid_t *id)
{
	uint8		proxy = proxy_of(id);
	Oid			oid;

	if (OidIsValid(proxy_oid[proxy]))
		return;
	if (watched >= SINGLE_LOOKUPS)
		watch_all_proxies();
	if (OidIsValid(proxy_oid[proxy]))
		return;
	oid = lookup_proxy(proxy);
	watch_proxy(proxy, oid);
}

/* Have the tables themselves changed after that moment (DDL, TRUNCATE)? */
bool
invalidation_of_everything_since(uint64 then)
{
	return everything_changed > then;
}

/* Has something with this id (or with its proxy) changed after that moment? */
bool
invalidation_since(uint64 then, const pg_uuid_t *id)
{
	return proxy_changed[proxy_of(id)] > then || everything_changed > then;
}

/* ---------- the trigger ---------- */

/* What depends on this id has changed: backends hear of it at commit, this one at the next command. */
void
invalidation_declare(const pg_uuid_t *id)
{
	CacheInvalidateRelcacheByRelid(lookup_proxy(proxy_of(id)));
}

static void
declare_changed(HeapTuple tuple, TupleDesc desc, int attno)
{
	bool		isnull;
	Datum		id = SPI_getbinval(tuple, desc, attno, &isnull);

	if (!isnull)
		invalidation_declare(DatumGetUUIDP(id));
}

/*
 * invalidate_cache(column), AFTER INSERT, UPDATE or DELETE, each row: what depends
 * on the id in that column has changed.
 */
Datum
devapp_invalidate_cache(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	int			attno;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		trigdata->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("invalidate_cache must be an AFTER ROW trigger with a column")));
	trigger_require_own_table(trigdata);
	desc = trigdata->tg_relation->rd_att;
	attno = SPI_fnumber(desc, trigdata->tg_trigger->tgargs[0]);
	if (attno <= 0)
		elog(ERROR, "invalidate_cache: there is no column %s",
			 trigdata->tg_trigger->tgargs[0]);
	declare_changed(trigdata->tg_trigtuple, desc, attno);
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		declare_changed(trigdata->tg_newtuple, desc, attno);
	return PointerGetDatum(NULL);
}
