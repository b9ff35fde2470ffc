/*
 * token_client.c
 *		Who asks for a token, or about one.
 *
 * A client proves itself by its secret, or by an assertion (assertion.c); an administrator,
 * and a developer for an app of his own, needs no proof.  SQL is asked who the caller is
 * (sql/token/issue.sql).  Whether the client may act is decided on the same entitlement as a
 * verification, by the same checks.  A stranger is told nothing but that it did not work; an
 * administrator is told why.
 *
 * Neither a client's secret nor its id, which may be a secret in the wrong place, is an argument of a
 * query, because auto_explain can log those.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/entry.h"
#include "decide/cache.h"
#include "decide/first_touch.h"
#include "import/find_foreign.h"
#include "import/foreign_key.h"
#include "key/pepper.h"
#include "table/catalog.h"
#include "table/invalidation.h"
#include "standby/standby.h"
#include "token/assertion.h"
#include "token/named_holder.h"
#include "token/token_client.h"

compat_noreturn void
token_client_refuse(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PASSWORD),
			 errmsg("the client is unknown, not authenticated, or not authorized to do this now"),
			 entry_by_admin() ? errdetail("%s", why) : 0,
			 errhint("Give the client's id and its secret, or an assertion that it signed.")));
	pg_unreachable();
}

Str
token_string_argument(FunctionCallInfo fcinfo, int n)
{
	text	   *t;

	if (PG_ARGISNULL(n))
		return (Str) {NULL, 0};
	t = PG_GETARG_TEXT_PP(n);
	return (Str) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

/* The arguments (client, client_secret, assertion) that start at n. */
ClientProof
token_client_proof(FunctionCallInfo fcinfo, int n)
{
	return (ClientProof) {
		.client = token_string_argument(fcinfo, n),
		.secret = token_string_argument(fcinfo, n + 1),
		.assertion = token_string_argument(fcinfo, n + 2)
	};
}

/* ---------- whom the caller means ---------- */

/* A client, and what the caller may do for it without a proof. */
typedef struct FoundClient
{
	text	   *consumer_key;	/* NULL: there is none */
	bool		is_own;			/* everything */
	bool		sees_tokens;	/* ask what its tokens are good for */
} FoundClient;

static bool
true_column(int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return !isnull && DatumGetBool(value);
}

/* The query is planned once a session, because planning takes several times as long as running. */
static SPIPlanPtr
find_client_plan(void)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {UUIDOID};

	if (plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare("SELECT c.is_own, c.sees_tokens FROM devapp_internal.token_client($1) AS c",
									   lengthof(types), types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		plan = made;
	}
	return plan;
}

/* What the caller may do for a credential; NULL: for one that does not exist. */
static FoundClient
ask_rights(const pg_uuid_t *id)
{
	FoundClient found = {0};
	Datum		values[] = {UUIDPGetDatum(id)};
	char		nulls[] = {id == NULL ? 'n' : ' ', '\0'};

	/* not read-only: the client may have been made in the same statement */
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_plan(find_client_plan(), values, nulls, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "the client was not looked up");
	found.is_own = true_column(1);
	found.sees_tokens = true_column(2);
	SPI_finish();
	return found;
}

static FoundClient
find_client(Str client)
{
	FoundClient found;
	text	   *consumer_key = NULL;
	pg_uuid_t	id;
	Snapshot	snapshot;
	bool		is_there;

	/* the client may have been made in the same statement */
	CommandCounterIncrement();
	snapshot = catalog_take_snapshot();
	is_there = named_credential(client, snapshot, &id, &consumer_key);
	catalog_release_snapshot(snapshot);
	found = ask_rights(is_there ? &id : NULL);
	found.consumer_key = consumer_key;
	return found;
}

/* True if a token of this credential belongs to the client that asks, or, without one, to the caller. */
bool
token_client_owns(const Entitlement *asking, const Entitlement *about)
{
	return asking != NULL ?
		memcmp(&asking->credential_id, &about->credential_id, UUID_LEN) == 0 :
		ask_rights(&about->credential_id).is_own;
}

/*
 * Whoever asks over HTTP by a management key that is confined to an environment would be refused
 * calls with such a token; see confine_environment() in api/gateway.c.
 */
static bool
is_elsewhere(const Entitlement *about)
{
	const EntryCaller *caller = entry_caller();

	return caller != NULL && caller->environment != NULL && about->environment != NULL &&
		!str_is(about->decide.environment, caller->environment);
}

/* True if they may hear what such a token is good for. */
bool
token_client_may_see(const Entitlement *asking, const Entitlement *about)
{
	if (is_elsewhere(about))
		return false;
	return asking != NULL ? token_client_owns(asking, about) :
		ask_rights(&about->credential_id).sees_tokens;
}

/*
 * The client as the latest committed state and this transaction's changes have it.  Its
 * products are shared with those that are remembered, until another client is loaded.
 */
Entitlement *
token_client_load(Str consumer_key, uint64 *loaded_at)
{
	Snapshot	snapshot;
	Entitlement *e;

	*loaded_at = cache_begin_load();
	snapshot = catalog_take_snapshot();
	e = entitlement_by_key(consumer_key.data, consumer_key.len, snapshot, cache_product);
	catalog_release_snapshot(snapshot);
	return e;
}

/* ---------- proofs ---------- */

/* The secret that works now, of an OAuth client that brings none. */
static int
current_secret(const Entitlement *e)
{
	for (int i = 0; i < e->load->nsecrets; i++)
	{
		if (e->load->secrets[i].purpose == PURPOSE_CLIENT_SECRET && !e->load->secrets[i].window.superseded)
			return i;
	}
	return SECRET_NONE;
}

/* NULL: it is not an OAuth client. */
const DecideSecret *
token_client_current_secret(const Entitlement *e)
{
	int			current = current_secret(e);

	return current < 0 ? NULL : &e->load->secrets[current].window;
}

/* A secret as it was presented, and whether it was compared before: some are slow to compare. */
typedef struct PresentedSecret
{
	Str			secret;			/* data NULL: none */
	bool		is_possible;	/* by its length */
	CacheTag	tag;			/* if it is possible */
	int32		version;		/* that it was found to be; -1: not remembered */
	uint64		loaded_at;		/* when the client's rows were read */
} PresentedSecret;

/* This comes before the client is loaded: looking into what is remembered may drop products of it. */
static PresentedSecret
look_up_secret(const text *consumer_key, Str secret, TimestampTz now)
{
	PresentedSecret presented = {.secret = secret, .version = -1};
	CacheFound	found;

	presented.is_possible = secret.len > 0 && secret.len <= FOREIGN_KEY_MAX;
	if (!presented.is_possible)
		return presented;
	if (pepper_look_again(now))
		invalidation_of_everything();
	foreign_client_tag((Str) {VARDATA_ANY(consumer_key), VARSIZE_ANY_EXHDR(consumer_key)}, secret, &presented.tag);
	found = cache_find(&presented.tag);
	if (found.entitlement != NULL)
		presented.version = found.secret->version;
	return presented;
}

static int
find_version(const Entitlement *e, int32 version)
{
	for (int i = 0; i < e->load->nsecrets; i++)
	{
		if (e->load->secrets[i].purpose == PURPOSE_CLIENT_SECRET && e->load->secrets[i].window.version == version)
			return i;
	}
	return SECRET_NONE;
}

/* An imported client may have one of any form, and one that is slow to compare. */
static int
match_secret(const Entitlement *e, const PresentedSecret *presented, TimestampTz now)
{
	int64		wait;
	int			match;

	if (!presented->is_possible)
		return SECRET_NONE;
	if (presented->version >= 0)
		return find_version(e, presented->version);
	match = find_client_secret(e, presented->secret, now, &wait);
	if (match >= 0 && e->load->secrets[match].slow != NULL)
		(void) first_touch_keep(&presented->tag, e, match, presented->loaded_at);
	return match;
}

static const DecideSecret *
require_secret(const Entitlement *e, const PresentedSecret *presented, TimestampTz now)
{
	Str			secret = presented->secret;
	int			match = secret.data == NULL ? current_secret(e) : match_secret(e, presented, now);

	if (match == SECRET_UNTESTED)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("the secret of the client cannot be compared at the moment"),
				 errhint("Try again later; devapp.verify_client reports when.")));
	if (match < 0)
		token_client_refuse(secret.data == NULL ? "It is not an OAuth client." : "Its secret is wrong.");
	return &e->load->secrets[match].window;
}

static void
require_assertion(const Entitlement *e, Str assertion, TimestampTz now)
{
	const char *problem = assertion_problem(assertion, &e->credential_id, token_client_id(e), now);

	if (problem != NULL)
		token_client_refuse(problem);
}

/* The verdict that every call of the client would have; VALID if it depends on the call. */
VerdictCode
token_client_standing(const Entitlement *e, const DecideSecret *secret, TimestampTz now)
{
	for (int i = 0; i < STANDING_CHECKS; i++)
	{
		VerdictCode code = standing_checks[i].check(&e->decide, secret, now);

		if (code != VERDICT_VALID)
			return code;
	}
	return VERDICT_VALID;
}

/* A client that has proved itself and may act now. */
Entitlement *
token_client_require(const ClientProof *proof, TimestampTz now)
{
	FoundClient found = {0};
	PresentedSecret presented = {.version = -1};
	Entitlement *e = NULL;
	VerdictCode code;

	standby_require_fresh(now);
	if (proof->client.data != NULL)
		found = find_client(proof->client);
	if (proof->secret.data != NULL && proof->assertion.data != NULL)
		token_client_refuse("It presented both a secret and an assertion.");
	if (proof->secret.data == NULL && proof->assertion.data == NULL && !found.is_own)
		token_client_refuse("It presented neither a secret nor an assertion.");
	if (found.consumer_key != NULL)
	{
		presented = look_up_secret(found.consumer_key, proof->secret, now);
		e = token_client_load((Str) {VARDATA_ANY(found.consumer_key), VARSIZE_ANY_EXHDR(found.consumer_key)},
							  &presented.loaded_at);
	}
	code = e == NULL ? VERDICT_NOT_FOUND :
		token_client_standing(e, require_secret(e, &presented, now), now);
	if (code != VERDICT_VALID)
		token_client_refuse(psprintf("The verdict on it is %s.", verdict_info[code].code));
	/* at last, so that an assertion is used by whoever gets what it was brought for */
	if (proof->assertion.data != NULL)
		require_assertion(e, proof->assertion, now);
	return e;
}

/* The client in the arguments that start at n, which must prove itself; NULL where they name none. */
Entitlement *
token_client_asking(FunctionCallInfo fcinfo, int n, TimestampTz now)
{
	ClientProof proof = token_client_proof(fcinfo, n);

	return proof.client.data == NULL ? NULL : token_client_require(&proof, now);
}

/* ---------- what it is and has ---------- */

Str
token_client_id(const Entitlement *e)
{
	return (Str) {VARDATA_ANY(e->consumer_key), VARSIZE_ANY_EXHDR(e->consumer_key)};
}

/* The scopes of all its approved products, each once. */
StrList
token_client_scopes(const Entitlement *e)
{
	StrList		all = {0, NULL};
	int			room = 0;

	for (int i = 0; i < e->decide.ncredential_products; i++)
		room += e->decide.credential_products[i].scopes.count;
	all.items = palloc(sizeof(Str) * (size_t) Max(room, 1));
	for (int i = 0; i < e->decide.ncredential_products; i++)
	{
		const DecideCredentialProduct *a = &e->decide.credential_products[i];

		for (int j = 0; a->status == CREDENTIAL_PRODUCT_APPROVED && j < a->scopes.count; j++)
		{
			if (!str_list_has(&all, a->scopes.items[j]))
				all.items[all.count++] = a->scopes.items[j];
		}
	}
	return all;
}

/* The scopes in one string (RFC 6749, section 3.3); data is NULL if there are no scopes. */
Str
token_scope_claim(const StrList *scopes)
{
	StringInfoData claim;

	if (scopes->count == 0)
		return (Str) {NULL, 0};
	initStringInfo(&claim);
	for (int i = 0; i < scopes->count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&claim, ' ');
		appendBinaryStringInfo(&claim, scopes->items[i].data, (int) scopes->items[i].len);
	}
	return (Str) {claim.data, (size_t) claim.len};
}
