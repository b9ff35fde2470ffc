/*
 * named_holder.c
 *		Whom a token of another issuer names.
 *
 * Names have the same forms as in SQL (sql/identity/reference.sql), but are read in C,
 * because verification runs no SQL.  What is found depends on rows whose ids the entitlement depends on as
 * well (a renamed app or owner is a changed one), so that what is remembered of it ends
 * with them.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/name.h"
#include "base/uuid.h"
#include "model/identity.h"
#include "table/catalog.h"
#include "token/named_holder.h"

/* Tokens are in UTF-8. */
bool
named_is_text(Str name)
{
	if (memchr(name.data, '\0', name.len) != NULL)
		return false;
	if (GetDatabaseEncoding() == PG_UTF8)
		return true;
	for (size_t i = 0; i < name.len; i++)
	{
		if (IS_HIGHBIT_SET(name.data[i]))
			return false;
	}
	return true;
}

/* ---------- rows ---------- */

/* The id in the row that an index has for these values. */
static bool
find_id(CatalogIndex index, const NullableDatum *values, int n, CatalogColumn id, Snapshot snapshot,
		pg_uuid_t *out)
{
	CatalogScan scan;
	bool		found;

	catalog_scan_begin_keys(&scan, index, values, n, snapshot);
	found = catalog_scan_next(&scan);
	if (found)
	{
		bool		isnull;

		*out = *DatumGetUUIDP(catalog_value(&scan, id, &isnull));
	}
	catalog_scan_end(&scan);
	return found;
}

static NullableDatum
text_key(const char *s)
{
	return (NullableDatum) {CStringGetTextDatum(s), false};
}

/* Names are compared in their canonical form. */
static NullableDatum
name_key(const char *s)
{
	return (NullableDatum) {PointerGetDatum(name_canonical(cstring_to_text(s))), false};
}

static bool
developer_by_email(const char *email, Snapshot snapshot, pg_uuid_t *developer_id)
{
	NullableDatum key = text_key(identity_email_key(email));

	return find_id(DEVELOPER_BY_EMAIL, &key, 1, DEVELOPER_ID, snapshot, developer_id);
}

static bool
developer_exists(const pg_uuid_t *id, Snapshot snapshot)
{
	CatalogScan scan;
	bool		exists;

	catalog_scan_begin(&scan, DEVELOPER_BY_ID, UUIDPGetDatum(id), snapshot);
	exists = catalog_scan_next(&scan);
	if (exists)
		(void) catalog_value(&scan, DEVELOPER_DELETED_AT, &exists);
	catalog_scan_end(&scan);
	return exists;
}

bool
named_developer(Str name, Snapshot snapshot, pg_uuid_t *developer_id)
{
	return uuid_parse(name, developer_id) ? developer_exists(developer_id, snapshot) :
		developer_by_email(pnstrdup(name.data, name.len), snapshot, developer_id);
}

/* ---------- apps ---------- */

/* The owner's part of a name, in which %2F and %25 stand for / and %. */
static char *
decode_owner(Str part)
{
	char	   *decoded = palloc(part.len + 1);
	char	   *out = decoded;

	for (size_t i = 0; i < part.len; i++)
	{
		Str			escape = {part.data + i, Min(3, part.len - i)};
		bool		is_slash = str_equal_nocase(escape, "%2F", 3);

		if (!is_slash && !str_is(escape, "%25"))
		{
			*out++ = part.data[i];
			continue;
		}
		*out++ = is_slash ? '/' : '%';
		i += 2;
	}
	*out = '\0';
	return decoded;
}

static bool
app_by_path(Str owner_part, const char *name, Snapshot snapshot, pg_uuid_t *app_id)
{
	char	   *owner = decode_owner(owner_part);
	bool		is_team = strncmp(owner, "team:", 5) == 0;
	pg_uuid_t	owner_id;
	NullableDatum keys[] = {{UUIDPGetDatum(&owner_id), false}, name_key(name)};

	if (is_team)
	{
		NullableDatum team = name_key(owner + 5);

		return find_id(TEAM_BY_NAME, &team, 1, TEAM_ID, snapshot, &owner_id) &&
			find_id(APP_BY_TEAM, keys, 2, APP_ID, snapshot, app_id);
	}
	return developer_by_email(owner, snapshot, &owner_id) &&
		find_id(APP_BY_DEVELOPER, keys, 2, APP_ID, snapshot, app_id);
}

bool
named_app(Str name, Snapshot snapshot, pg_uuid_t *app_id)
{
	const char *slash = memchr(name.data, '/', name.len);
	size_t		owner_len;

	if (uuid_parse(name, app_id))
		return true;
	if (slash == NULL)
		return false;
	owner_len = (size_t) (slash - name.data);
	return app_by_path((Str) {name.data, owner_len}, pnstrdup(slash + 1, name.len - owner_len - 1),
					   snapshot, app_id);
}

/* ---------- credentials ---------- */

static Str
without_spaces(Str s)
{
	for (; s.len > 0 && s.data[0] == ' '; s.len--)
		s.data++;
	while (s.len > 0 && s.data[s.len - 1] == ' ')
		s.len--;
	return s;
}

bool
named_credential(Str name, Snapshot snapshot, pg_uuid_t *credential_id, text **consumer_key)
{
	static const char prefix[] = "key:";
	Str			key = without_spaces(name);
	pg_uuid_t	id;
	CatalogScan scan;
	bool		isnull;
	bool		found = false;

	if (uuid_parse_typed(key, &id))
		catalog_scan_begin(&scan, CREDENTIAL_BY_ID, UUIDPGetDatum(&id), snapshot);
	else
	{
		if (key.len >= strlen(prefix) && memcmp(key.data, prefix, strlen(prefix)) == 0)
			key = (Str) {key.data + strlen(prefix), key.len - strlen(prefix)};
		catalog_scan_begin(&scan, CREDENTIAL_BY_KEY,
						   PointerGetDatum(cstring_to_text_with_len(key.data, (int) key.len)), snapshot);
	}
	if (catalog_scan_next(&scan))
	{
		(void) catalog_value(&scan, CREDENTIAL_DELETED_AT, &isnull);
		found = isnull;
	}
	if (found)
	{
		*credential_id = *DatumGetUUIDP(catalog_value(&scan, CREDENTIAL_ID, &isnull));
		*consumer_key = DatumGetTextPCopy(catalog_value(&scan, CREDENTIAL_CONSUMER_KEY, &isnull));
	}
	catalog_scan_end(&scan);
	return found;
}

/* ---------- the credential of an app ---------- */

typedef struct FoundCredential
{
	bool		is_there;
	bool		works;
	pg_uuid_t	id;
	text	   *consumer_key;
} FoundCredential;

static bool
credential_works(CatalogScan *scan)
{
	bool		isnull;
	char	   *status = TextDatumGetCString(catalog_value(scan, CREDENTIAL_STATUS, &isnull));
	Datum		expires_at = catalog_value(scan, CREDENTIAL_EXPIRES_AT, &isnull);

	return strcmp(status, "approved") == 0 &&
		(isnull || DatumGetTimestampTz(expires_at) > GetCurrentTimestamp());
}

/* Ids ascend with time. */
static bool
comes_first(const FoundCredential *a, const FoundCredential *b)
{
	if (!b->is_there || a->works != b->works)
		return !b->is_there || a->works;
	return memcmp(&a->id, &b->id, sizeof(a->id)) < 0;
}

Str
consumer_key_of_app(const pg_uuid_t *app_id, Snapshot snapshot)
{
	CatalogScan scan;
	FoundCredential best = {0};

	catalog_scan_begin(&scan, CREDENTIAL_BY_APP, UUIDPGetDatum(app_id), snapshot);
	while (catalog_scan_next(&scan))
	{
		bool		isnull;
		FoundCredential found = {
			.is_there = true,
			.works = credential_works(&scan),
			.id = *DatumGetUUIDP(catalog_value(&scan, CREDENTIAL_ID, &isnull)),
		};

		if (!comes_first(&found, &best))
			continue;
		found.consumer_key = DatumGetTextPCopy(catalog_value(&scan, CREDENTIAL_CONSUMER_KEY, &isnull));
		best = found;
	}
	catalog_scan_end(&scan);
	if (!best.is_there)
		return (Str) {NULL, 0};
	return (Str) {VARDATA(best.consumer_key), VARSIZE(best.consumer_key) - VARHDRSZ};
}
