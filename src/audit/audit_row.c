/*
 * audit_row.c
 *		The trigger that writes the audit trail.
 *
 *	audit_row(entity, 'id=column,...', option ...)	AFTER INSERT, UPDATE or DELETE, each row
 *
 *	version=column	a new row is an issue (version 1) or a rotation (a later one)
 *	hide=column,...	columns whose values are never shown
 *	show=column,...	columns that are shown even if they have not changed
 *	person=column,...	columns that tell of a person
 *
 * Each change of a row becomes a row of devapp.audit_event, in the transaction of
 * the change: what is rolled back was not.  The functions that make the changes
 * know nothing of it, so a direct statement is recorded as well.
 *
 * Which app and whose an event is follows from the columns of the row: its owner's
 * id, its app's, or its credential's.  The owner is that of the latest committed
 * version of the app, or of the own transaction's.
 *
 * Persons can be erased, and events cannot be changed.  So an event holds pseudonyms in
 * the place of who acted, who decided and what columns tell of a person; what they stand
 * for is in devapp.pseudonym (sql/audit/erase.sql).
 *
 * A restore brings the events of the dump, so it must not make its own.  It says so
 * by devapp.restoring, which is for superusers.  A session that looks like a
 * restore and does not say so is refused rather than passed over, or its settings
 * would be a way to change things unrecorded.
 *
 * How events are written is in audit_write.c.  No DDL: partitions are
 * devapp.maintain_audit()'s.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
#include "utils/xid8.h"

#include "audit/audit_entry.h"
#include "audit/audit_write.h"
#include "audit/row_json.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/schema.h"
#include "base/trigger.h"
#include "model/change_note.h"
#include "model/guard.h"
#include "model/identity.h"
#include "model/lifecycle_core.h"
#include "model/validate.h"
#include "table/catalog.h"

PG_FUNCTION_INFO_V1(devapp_audit_row);

/* A changed row, as it was and as it is; one of them is NULL for INSERT and DELETE. */
typedef struct Change
{
	TriggerData *trigdata;
	TupleDesc	desc;
	HeapTuple	before;
	HeapTuple	after;
	HeapTuple	row;			/* the one that tells whose it is */
} Change;

/* ---------- the arguments of the trigger ---------- */

/* The value of an option, or NULL. */
static const char *
trigger_option(const Change *c, const char *name)
{
	Trigger    *trigger = c->trigdata->tg_trigger;
	size_t		len = strlen(name);

	for (int i = 1; i < trigger->tgnargs; i++)
	{
		if (strncmp(trigger->tgargs[i], name, len) == 0 &&
			trigger->tgargs[i][len] == '=')
			return trigger->tgargs[i] + len + 1;
	}
	return NULL;
}

/* ---------- columns ---------- */

/* A column of the row by name; null also where the table has no such column. */
static Datum
column_value(const Change *c, HeapTuple tuple, const char *name, bool *isnull)
{
	int			attno = SPI_fnumber(c->desc, name);

	*isnull = true;
	if (attno <= 0 || tuple == NULL)
		return (Datum) 0;
	return SPI_getbinval(tuple, c->desc, attno, isnull);
}

static bool
has_value(const Change *c, HeapTuple tuple, const char *name)
{
	bool		isnull;

	(void) column_value(c, tuple, name, &isnull);
	return !isnull;
}

/* Did somebody else decide than who acts: a rule? */
static bool
decided_by_another(const Change *c)
{
	bool		isnull;
	Datum		value = column_value(c, c->after, "decided_by", &isnull);

	return !isnull && strcmp(TextDatumGetCString(value), identity_name()) != 0;
}

/* Who and when is what the event itself says. */
static bool
is_counted(const Change *c, Form_pg_attribute att)
{
	if (att->attisdropped || strcmp(NameStr(att->attname), "updated_at") == 0 ||
		strcmp(NameStr(att->attname), "decided_at") == 0)
		return false;
	return strcmp(NameStr(att->attname), "decided_by") != 0 || decided_by_another(c);
}

static bool
was_changed(const Change *c, const char *name)
{
	return SPI_fnumber(c->desc, name) > 0 &&
		guard_column_changed(c->trigdata, name);
}

/* ---------- persons ---------- */

/* The pseudonym of the one who acts, for the top-level transaction that asked for it first. */
static struct
{
	FullTransactionId xid;
	char		email[NAME_MAX_CHARS * MAX_MULTIBYTE_CHAR_LEN + 1];
	char		pseudonym[64];
}			last_actor;

/* Prepared when it is first run, and kept. */
static SPIPlanPtr
pseudonym_plan(void)
{
	static SPIPlanPtr kept = NULL;
	Oid			types[] = {TEXTOID, BOOLOID, UUIDOID};
	SPIPlanPtr	plan;

	if (kept != NULL)
		return kept;
	plan = SPI_prepare("SELECT devapp_internal.pseudonym_of($1, $2, $3)", lengthof(types), types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	kept = plan;
	return kept;
}

/* With the rights of the trail's owner, who may use the function and its table. */
static const char *
look_up_pseudonym(const char *value, bool is_json, NullableDatum developer_id)
{
	Datum		values[] = {CStringGetTextDatum(value), BoolGetDatum(is_json), developer_id.value};
	char		nulls[] = {' ', ' ', developer_id.isnull ? 'n' : ' '};
	Relation	trail = table_open(schema_require_relation(schema_of_devapp(), "audit_event"), RowExclusiveLock);
	Oid			user;
	int			context;
	int			result;

	/* an error puts the user back as well: the subtransaction's end does */
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(trail->rd_rel->relowner,
						   context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	result = SPI_execute_plan(pseudonym_plan(), values, nulls, false, 0);
	SetUserIdAndSecContext(user, context);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "pseudonym was not found: %s", SPI_result_code_string(result));
	table_close(trail, NoLock);
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/*
 * A new pseudonym goes with the subtransaction that made it, so only those of the
 * top level are remembered.
 */
static const char *
pseudonym_of_actor(void)
{
	const char *actor = identity_trail_actor();
	FullTransactionId xid = GetTopFullTransactionId();
	const char *found;

	if (actor == NULL)
		return NULL;
	if (FullTransactionIdEquals(last_actor.xid, xid) && strcmp(last_actor.email, actor) == 0)
		return last_actor.pseudonym;
	found = look_up_pseudonym(actor, false, (NullableDatum) {(Datum) 0, true});
	if (GetCurrentTransactionNestLevel() == 1 && strlen(actor) < sizeof(last_actor.email))
	{
		strlcpy(last_actor.email, actor, sizeof(last_actor.email));
		strlcpy(last_actor.pseudonym, found, sizeof(last_actor.pseudonym));
		last_actor.xid = xid;
	}
	return found;
}

/* A rule that decided is no person, and where there are no attributes they tell of none. */
static bool
tells_of_person(const char *value, bool is_decider)
{
	if (is_decider)
		return strchr(value, '@') != NULL && strncmp(value, "rule:", 5) != 0;
	return strcmp(value, "{}") != 0;
}

/* Put a pseudonym in the place of a value that tells of a person; true if it does. */
static bool
mask_value_of_person(const Change *c, HeapTuple tuple, Form_pg_attribute att, NullableDatum *value)
{
	bool		is_decider = strcmp(NameStr(att->attname), "decided_by") == 0;
	NullableDatum developer_id = {(Datum) 0, true};
	const char *text_form;

	if (value->isnull ||
		(!is_decider && !guard_list_has_word(trigger_option(c, "person"), NameStr(att->attname))))
		return false;
	text_form = SPI_getvalue(tuple, c->desc, att->attnum);
	if (!tells_of_person(text_form, is_decider))
		return false;
	if (!is_decider && strcmp(c->trigdata->tg_trigger->tgargs[0], "developer") == 0)
		developer_id.value = column_value(c, tuple, "developer_id", &developer_id.isnull);
	value->value = CStringGetTextDatum(look_up_pseudonym(text_form, att->atttypid == JSONBOID, developer_id));
	return true;
}

/* ---------- before and after, as jsonb ---------- */

/* These columns of a row, by their names */
static Datum
shown_object(const Change *c, HeapTuple tuple, const int *attnos, int n)
{
	const char *hidden = trigger_option(c, "hide");
	RowMember  *members = palloc(sizeof(RowMember) * (size_t) n);

	for (int i = 0; i < n; i++)
	{
		RowMember  *m = &members[i];
		Form_pg_attribute att = TupleDescAttr(c->desc, attnos[i] - 1);

		m->name = NameStr(att->attname);
		m->value.value = SPI_getbinval(tuple, c->desc, attnos[i], &m->value.isnull);
		if (guard_list_has_word(hidden, m->name))
			m->value = (NullableDatum) {(Datum) 0, true};
		m->type = mask_value_of_person(c, tuple, att, &m->value) ? TEXTOID : att->atttypid;
	}
	return row_json(members, n);
}

/* The columns that the event shows: the changed ones, or all that are not null. */
static int
shown_columns(const Change *c, int *attnos)
{
	int			n = 0;

	for (int attno = 1; attno <= c->desc->natts; attno++)
	{
		Form_pg_attribute att = TupleDescAttr(c->desc, attno - 1);
		bool		shown;

		if (c->before && c->after)
			shown = is_counted(c, att) &&
				(guard_attribute_changed(c->trigdata, attno) ||
				 guard_list_has_word(trigger_option(c, "show"), NameStr(att->attname)));
		else
			shown = !att->attisdropped && !heap_attisnull(c->row, attno, c->desc) &&
				!guard_list_has_word(trigger_option(c, "hide"), NameStr(att->attname));
		if (shown)
			attnos[n++] = attno;
	}
	return n;
}

/* ---------- the event ---------- */

static void
set_column(AuditEvent *event, AuditColumn column, Datum value)
{
	event->values[column] = value;
	event->nulls[column] = false;
}

static void
set_text(AuditEvent *event, AuditColumn column, const char *s)
{
	if (s != NULL)
		set_column(event, column, CStringGetTextDatum(s));
}

/* NULL if the table has none. */
static const char *
status_of(const Change *c, HeapTuple tuple)
{
	bool		isnull;
	Datum		value = column_value(c, tuple, "status", &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* The action of the lifecycle that an UPDATE took, or NULL. */
static const char *
lifecycle_action(const Change *c)
{
	const char *from = status_of(c, c->before);
	const char *to = status_of(c, c->after);

	if (from == NULL || to == NULL || strcmp(from, to) == 0)
		return NULL;
	return lifecycle_action_between(c->trigdata->tg_trigger->tgargs[0], from, to);
}

static const char *
insert_action(const Change *c)
{
	const char *version = trigger_option(c, "version");
	bool		isnull;
	Datum		value;

	if (version == NULL)
		return "create";
	value = column_value(c, c->after, version, &isnull);
	return !isnull && DatumGetInt32(value) > 1 ? "rotate" : "issue";
}

static const char *
action_of(const Change *c)
{
	const char *action;

	if (c->before == NULL)
		return insert_action(c);
	if (c->after == NULL)
		return "remove";
	/* deleting a credential also revokes it */
	if (!has_value(c, c->before, "deleted_at") && has_value(c, c->after, "deleted_at"))
		return "delete";
	if (!has_value(c, c->before, "erased_at") && has_value(c, c->after, "erased_at"))
		return "erase";
	action = lifecycle_action(c);
	if (action != NULL)
		return action;
	if (!has_value(c, c->before, "removed_at") && has_value(c, c->after, "removed_at"))
		return "remove";
	if (SPI_fnumber(c->desc, "app_id") > 0 &&
		(was_changed(c, "developer_id") || was_changed(c, "team_id")))
		return "transfer";
	return "update";
}

/* The columns of the key, with / between them. */
static char *
key_of(const Change *c)
{
	const char *columns = trigger_option(c, "id");
	StringInfoData buf;

	initStringInfo(&buf);
	while (columns != NULL)
	{
		size_t		n = strcspn(columns, ",");
		char	   *name = pnstrdup(columns, n);
		int			attno = SPI_fnumber(c->desc, name);

		if (attno <= 0)
			elog(ERROR, "audit_row: there is no column %s", name);
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "/" : "",
						 SPI_getvalue(c->row, c->desc, attno));
		columns = columns[n] == ',' ? columns + n + 1 : NULL;
	}
	return buf.data;
}

/* Copy a uuid to the event, unless it is null. */
static void
set_uuid(AuditEvent *event, AuditColumn column, Datum value, bool isnull)
{
	pg_uuid_t  *copy;

	if (isnull)
		return;
	copy = palloc(sizeof(pg_uuid_t));
	*copy = *DatumGetUUIDP(value);
	set_column(event, column, UUIDPGetDatum(copy));
}

static void
set_uuid_found(AuditEvent *event, AuditColumn column, CatalogScan *scan,
			   CatalogColumn from)
{
	bool		isnull;
	Datum		value = catalog_value(scan, from, &isnull);

	set_uuid(event, column, value, isnull);
}

/*
 * The owners of the last credentials and of the last app are remembered to the end of the call.  A call
 * that makes a credential makes several events of it, an import makes those of many credentials in
 * turn, and if this transaction gives an app to another owner between them, there is an event of the
 * app.  Another transaction may do so while a long import runs: then the import's later events of the app
 * name the owner from when the import first looked.
 */
typedef struct KnownOwner
{
	uint64		stretch;		/* in which it is right, see audit_stretch() */
	pg_uuid_t	id;
	pg_uuid_t	ids[AUDIT_TEAM_ID - AUDIT_APP_ID + 1];
	bool		nulls[AUDIT_TEAM_ID - AUDIT_APP_ID + 1];
} KnownOwner;

/* A power of two; the 500 credentials of a chunk of an import should find their places untaken. */
#define KNOWN_CREDENTIALS	4096

static KnownOwner known_credentials[KNOWN_CREDENTIALS];
static KnownOwner known_app;

/* The end of an id is random. */
static KnownOwner *
place_of_credential(Datum credential_id)
{
	const unsigned char *end = DatumGetUUIDP(credential_id)->data + UUID_LEN - 2;

	return &known_credentials[((unsigned) end[0] << 8 | end[1]) % KNOWN_CREDENTIALS];
}

static void
remember_owner(KnownOwner *known, const AuditEvent *event, Datum id)
{
	known->stretch = audit_stretch();
	known->id = *DatumGetUUIDP(id);
	for (int i = 0; i < (int) lengthof(known->ids); i++)
	{
		known->nulls[i] = event->nulls[AUDIT_APP_ID + i];
		if (!known->nulls[i])
			known->ids[i] = *DatumGetUUIDP(event->values[AUDIT_APP_ID + i]);
	}
}

static bool
set_remembered_owner(AuditEvent *event, const KnownOwner *known, Datum id)
{
	if (known->stretch != audit_stretch() ||
		memcmp(&known->id, DatumGetUUIDP(id), UUID_LEN) != 0)
		return false;
	if (!event->nulls[AUDIT_APP_ID] &&
		(known->nulls[0] ||
		 memcmp(&known->ids[0], DatumGetUUIDP(event->values[AUDIT_APP_ID]), UUID_LEN) != 0))
		return false;
	for (int i = 0; i < (int) lengthof(known->ids); i++)
		set_uuid(event, AUDIT_APP_ID + i, UUIDPGetDatum(&known->ids[i]), known->nulls[i]);
	return true;
}

static void
set_app_of_credential(AuditEvent *event, Datum credential_id, Snapshot snapshot)
{
	CatalogScan scan;

	catalog_scan_begin(&scan, CREDENTIAL_BY_ID, credential_id, snapshot);
	if (catalog_scan_next(&scan))
		set_uuid_found(event, AUDIT_APP_ID, &scan, CREDENTIAL_APP_ID);
	catalog_scan_end(&scan);
}

static void
set_owner_of_app(AuditEvent *event, Snapshot snapshot)
{
	Datum		app_id = event->values[AUDIT_APP_ID];
	CatalogScan scan;

	if (set_remembered_owner(event, &known_app, app_id))
		return;
	catalog_scan_begin(&scan, APP_BY_ID, app_id, snapshot);
	if (catalog_scan_next(&scan))
	{
		set_uuid_found(event, AUDIT_DEVELOPER_ID, &scan, APP_DEVELOPER_ID);
		set_uuid_found(event, AUDIT_TEAM_ID, &scan, APP_TEAM_ID);
	}
	catalog_scan_end(&scan);
	remember_owner(&known_app, event, app_id);
}

/* From the credential to its app, from the app to its owner. */
static void
look_up_owner(AuditEvent *event, Datum credential_id, bool no_credential)
{
	Snapshot	snapshot;

	if (!event->nulls[AUDIT_APP_ID] &&
		set_remembered_owner(event, &known_app, event->values[AUDIT_APP_ID]))
		return;
	/* the change that fired the trigger may have made the app as well */
	snapshot = catalog_take_snapshot_amid_command();
	if (event->nulls[AUDIT_APP_ID] && !no_credential)
		set_app_of_credential(event, credential_id, snapshot);
	if (!event->nulls[AUDIT_APP_ID])
		set_owner_of_app(event, snapshot);
	catalog_release_snapshot(snapshot);
}

static void
set_owner(AuditEvent *event, const Change *c)
{
	bool		isnull;
	Datum		value;

	value = column_value(c, c->row, "app_id", &isnull);
	set_uuid(event, AUDIT_APP_ID, value, isnull);
	value = column_value(c, c->row, "developer_id", &isnull);
	set_uuid(event, AUDIT_DEVELOPER_ID, value, isnull);
	value = column_value(c, c->row, "team_id", &isnull);
	set_uuid(event, AUDIT_TEAM_ID, value, isnull);
	if (!event->nulls[AUDIT_DEVELOPER_ID] || !event->nulls[AUDIT_TEAM_ID])
	{
		audit_end_stretch();
		return;
	}
	value = column_value(c, c->row, "credential_id", &isnull);
	if (!isnull && set_remembered_owner(event, place_of_credential(value), value))
		return;
	if (!isnull || !event->nulls[AUDIT_APP_ID])
		look_up_owner(event, value, isnull);
	if (!isnull)
		remember_owner(place_of_credential(value), event, value);
}

/* Who did it, from where, in which transaction. */
static void
set_circumstances(AuditEvent *event)
{
	LOCAL_FCINFO(call, 0);
	Datum		address;

	set_column(event, AUDIT_OCCURRED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	set_text(event, AUDIT_ACTOR, pseudonym_of_actor());
	set_text(event, AUDIT_DB_ROLE, GetUserNameFromId(GetOuterUserId(), false));
	set_column(event, AUDIT_TRANSACTION_ID,
			   FullTransactionIdGetDatum(GetTopFullTransactionId()));
	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(call);
	if (!call->isnull)
		set_column(event, AUDIT_CLIENT_ADDR, address);
}

/* What happened to which row; false if nothing did. */
static bool
set_change(AuditEvent *event, const Change *c)
{
	int		   *attnos = palloc(sizeof(int) * (size_t) c->desc->natts);
	int			n = shown_columns(c, attnos);
	bool		isnull;
	Datum		note;

	if (n == 0)
		return false;
	set_text(event, AUDIT_ACTION, action_of(c));
	set_text(event, AUDIT_ENTITY, c->trigdata->tg_trigger->tgargs[0]);
	set_text(event, AUDIT_ENTITY_ID, key_of(c));
	if (c->before)
		set_column(event, AUDIT_BEFORE, shown_object(c, c->before, attnos, n));
	if (c->after)
		set_column(event, AUDIT_AFTER, shown_object(c, c->after, attnos, n));
	note = column_value(c, c->after, "decision_note", &isnull);
	if (!isnull && (c->before == NULL || lifecycle_action(c) != NULL))
		set_column(event, AUDIT_NOTE, note);
	else
		set_text(event, AUDIT_NOTE, change_note_current());
	return true;
}

/* ---------- the trigger ---------- */

/* What pg_dump writes at the head of its script, and pg_restore sets. */
static bool
looks_like_restore(void)
{
	return !check_function_bodies && !row_security &&
		namespace_search_path[0] == '\0';
}

static void
read_change(Change *c, TriggerData *trigdata)
{
	c->trigdata = trigdata;
	c->desc = trigdata->tg_relation->rd_att;
	c->before = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? NULL :
		trigdata->tg_trigtuple;
	c->after = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? trigdata->tg_trigtuple :
		TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ? trigdata->tg_newtuple : NULL;
	c->row = c->after ? c->after : c->before;
}

Datum
devapp_audit_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Change		change;
	AuditEvent	event;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		trigdata->tg_trigger->tgnargs < 2)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("audit_row must be an AFTER ROW trigger with an entity and the columns of its key")));
	trigger_require_own_table(trigdata);
	if (devapp_restoring)
		return PointerGetDatum(NULL);
	identity_require_somebody(RelationGetRelationName(trigdata->tg_relation));
	read_change(&change, trigdata);
	if (change.before == NULL && looks_like_restore())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this looks like a restore of a dump, whose rows would be recorded as changes"),
				 errhint("Restore as a superuser with PGOPTIONS='-c devapp.restoring=on'.")));

	SPI_connect();
	memset(event.nulls, true, sizeof(event.nulls));
	if (set_change(&event, &change))
	{
		set_owner(&event, &change);
		set_circumstances(&event);
		audit_write(&event);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}
