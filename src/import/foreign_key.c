/*
 * foreign_key.c
 *		Are there keys that other systems made?
 *
 * The shape of a key of ours says which row it belongs to, and a key of another shape is refused
 * before any table is opened.  An imported key may look like anything, so it is looked up by its
 * digest, but only if a key of its kind was ever imported.  A backend remembers whether one was.
 * The partial index credential_secret_foreign_idx answers this: it contains exactly the secrets
 * that are not in our own scheme.
 *
 * What is remembered is dropped like everything else (table/invalidation.c): the trigger
 * note_foreign_secret() on credential_secret declares an id changed that belongs to no row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/trigger.h"
#include "import/foreign_key.h"
#include "table/catalog.h"
#include "table/invalidation.h"

PG_FUNCTION_INFO_V1(devapp_note_foreign_secret);

/* The id that stands for all foreign secrets. */
static const pg_uuid_t foreign_id = {{0}};

static struct
{
	bool		known;
	uint64		moment;			/* when we looked */
	bool		sha256_keys;
	bool		sha512_256_keys;
	bool		clients;
}			existing;

/* Is there a secret of this purpose and scheme?  NULL: of any scheme. */
static bool
secrets_exist(const char *purpose, const char *scheme, Snapshot snapshot)
{
	NullableDatum values[2] = {{.value = CStringGetTextDatum(purpose)}};
	CatalogScan scan;
	bool		found;

	if (scheme != NULL)
		values[1].value = CStringGetTextDatum(scheme);
	catalog_scan_begin_keys(&scan, SECRET_BY_FOREIGN_PURPOSE, values, scheme == NULL ? 1 : 2,
							snapshot);
	found = catalog_scan_next(&scan);
	catalog_scan_end(&scan);
	return found;
}

static void
look_for_secrets(uint64 moment)
{
	Snapshot	snapshot = catalog_take_snapshot();

	existing.sha256_keys = secrets_exist("api_key", "sha256", snapshot);
	existing.sha512_256_keys = secrets_exist("api_key", "sha512_256", snapshot);
	existing.clients = secrets_exist("client_secret", NULL, snapshot);
	catalog_release_snapshot(snapshot);
	invalidation_watch(&foreign_id);
	existing.moment = moment;
	existing.known = true;
}

static void
know_what_exists(void)
{
	uint64		moment = invalidation_accept();

	if (unlikely(!existing.known || invalidation_since(existing.moment, &foreign_id)))
		look_for_secrets(moment);
}

bool
foreign_api_keys_exist(void)
{
	know_what_exists();
	return existing.sha256_keys || existing.sha512_256_keys;
}

/* Are there API keys that are found by such a digest? */
bool
foreign_keys_exist(SecretScheme scheme)
{
	know_what_exists();
	return scheme == SECRET_SHA512_256 ? existing.sha512_256_keys : existing.sha256_keys;
}

bool
foreign_clients_exist(void)
{
	know_what_exists();
	return existing.clients;
}

static bool
is_foreign(Relation rel, TupleTableSlot *slot)
{
	int			attno = SPI_fnumber(RelationGetDescr(rel), "scheme");
	bool		isnull;
	Datum		scheme;

	if (attno <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"scheme\" of table \"%s\" does not exist", RelationGetRelationName(rel)),
				 errhint("If the trigger is on devapp.credential_secret, run ALTER EXTENSION devapp UPDATE.")));
	scheme = slot_getattr(slot, attno, &isnull);
	return !isnull && strcmp(TextDatumGetCString(scheme), "blake2b") != 0;
}

/*
 * note_foreign_secret(), AFTER INSERT, each row: from now on there is one, if it is one.  A WHEN
 * condition would cost each secret of ours more than this does.
 */
Datum
devapp_note_foreign_secret(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("note_foreign_secret must be an AFTER ROW trigger")));
	trigger_require_own_table(trigdata);
	if (is_foreign(trigdata->tg_relation, trigdata->tg_trigslot))
		invalidation_declare(&foreign_id);
	return PointerGetDatum(NULL);
}
