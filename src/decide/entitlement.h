/*
 * entitlement.h
 *		All that the tables say of a credential, in the form that decides.
 */
#ifndef DEVAPP_ENTITLEMENT_H
#define DEVAPP_ENTITLEMENT_H

#include "postgres.h"

#include "pgtime.h"
#include "utils/array.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "decide/decide_core.h"
#include "decide/quota_core.h"
#include "key/secret.h"
#include "table/catalog.h"

typedef enum SecretPurpose
{
	PURPOSE_API_KEY,
	PURPOSE_CLIENT_SECRET,
	PURPOSE_TOKEN,				/* the secret is a JWT itself */
	PURPOSE_UNKNOWN				/* made by a later version; never matches */
} SecretPurpose;

/* What limits the calls of an app by a product. */
typedef struct ProductLimits
{
	QuotaRule	quota;			/* limit 0: none */
	RateRule	rate;			/* step 0: none */
} ProductLimits;

/* A product, compiled. */
typedef struct EntitlementProduct
{
	DecideProduct decide;
	pg_uuid_t	product_id;
	RowVersion	version;		/* of its row, see cache.c */
	struct CachedProduct *cached;	/* NULL: it is shared with nobody */
	text	   *name;
	ArrayType  *scopes;
	pg_uuid_t  *operation_ids;	/* numbered like decide.operations */
	QuotaRule  *operation_quotas;	/* the same; limit 0: the product's counts */
	ProductLimits limits;
	bool		quota_is_hard;	/* also of its operations */
	pg_tz	   *zone;			/* of their windows; NULL: UTC */
} EntitlementProduct;

/*
 * Where an entitlement gets its products from: a function that returns one as
 * the snapshot sees it, or NULL if it has no row.
 */
typedef EntitlementProduct *(*ProductGetter) (const pg_uuid_t *product_id,
											  Snapshot snapshot);

/* The limits of an app in place of its product's; what it keeps of these is filled in. */
typedef struct AppLimits
{
	int64		until;			/* they hold before */
	bool		has_quota;		/* a quota of its own */
	bool		has_rate;
	ProductLimits limits;
} AppLimits;

/* What belongs to decide.associations[i] but is not needed to decide. */
typedef struct EntitlementCredentialProduct
{
	EntitlementProduct *product;
	ArrayType  *scopes;			/* that the credential has by this product */
	const AppLimits *app;		/* NULL: those of the product */
} EntitlementCredentialProduct;

typedef struct EntitlementSecret
{
	pg_uuid_t	credential_id;
	DecideSecret window;
	int64		valid_from;		/* to be shown */
	SecretPurpose purpose;
	SecretDigest digest;
	const char *slow;			/* the hash in its place, if it is slow; else NULL */
} EntitlementSecret;

/* What is known of an entitlement that was just read. */
typedef struct EntitlementLoad
{
	bool		incomplete;		/* a row that it refers to was not there */
	int			nsecrets;
	EntitlementSecret *secrets;
} EntitlementLoad;

/* Clocks of those who issue tokens and of those who verify them may differ by so much. */
#define TOKEN_SKEW		(30 * USECS_PER_SEC)

#define TOKEN_THUMBPRINT_LEN	32

/* What a token says that each call asks. */
typedef struct TokenFacts
{
	int64		not_before;		/* the skew is in it; DT_NOBEGIN: works from the start */
	int64		expires_at;		/* without the skew */
	pg_uuid_t	key_id;			/* of the key that signed it: a change of this id may be one of the token */
	pg_uuid_t	token_id;		/* the same of the token itself */
	bool		revoked;
	bool		names_app;		/* it is for an app: which credential is behind it can change */
	bool		has_jkt;		/* it needs a proof by the key of this thumbprint */
	bool		has_x5t;		/* it needs the certificate of this thumbprint */
	bool		is_bound_otherwise;	/* it needs a proof that nobody here knows */
	uint8		jkt[TOKEN_THUMBPRINT_LEN];
	uint8		x5t[TOKEN_THUMBPRINT_LEN];
	StrList		audiences;
} TokenFacts;

typedef struct Entitlement
{
	DecideEntitlement decide;
	EntitlementLoad *load;		/* NULL: it is remembered */
	pg_uuid_t	credential_id;
	pg_uuid_t	app_id;
	pg_uuid_t	owner_id;
	text	   *consumer_key;
	text	   *environment;	/* NULL: every one */
	text	   *app_name;
	text	   *owner;			/* e-mail or name of team */
	EntitlementCredentialProduct *credential_products;
	ArrayType  *pending_products;	/* names of those that wait; NULL: none does */
	const TokenFacts *token;	/* that was presented; NULL: a key or secret was */
} Entitlement;

/* An operation and its id, which settles ties of rank: the older first. */
typedef struct RankedOperation
{
	DecideOperation op;
	pg_uuid_t	id;
	QuotaRule	quota;
} RankedOperation;

/* The app's limits by a product at this time, or else the product's. */
static inline const ProductLimits *
entitlement_limits(const EntitlementCredentialProduct *credential_product, int64 now)
{
	return credential_product->app != NULL && now < credential_product->app->until ?
		&credential_product->app->limits : &credential_product->product->limits;
}

extern DecideOperation operation_make(Str resource, StrList methods, Str proxy);
extern void operations_compile(DecideProduct *product, RankedOperation *ranked,
							   int n);

extern EntitlementProduct *product_compile(CatalogScan *scan,
										   const pg_uuid_t *product_id,
										   Snapshot snapshot);
extern EntitlementProduct *product_load(const pg_uuid_t *product_id,
										Snapshot snapshot);

extern Entitlement *entitlement_by_key(const char *consumer_key, size_t len,
									   Snapshot snapshot, ProductGetter getter);
extern Entitlement *entitlement_by_id(const pg_uuid_t *credential_id,
									  Snapshot snapshot, ProductGetter getter);
extern Entitlement *entitlement_by_hash(SecretScheme scheme, const uint8 *hash,
										Snapshot snapshot, ProductGetter getter);
#define SECRET_NONE			(-1)	/* it is none of them */
#define SECRET_UNTESTED		(-2)	/* nor can all be tested: a pepper is not known */

extern Size entitlement_copy_size(const Entitlement *entitlement);
extern void entitlement_copy(Entitlement *copy, const Entitlement *entitlement, char *room);

extern void entitlement_narrow(Entitlement *entitlement, const TokenFacts *token,
							   const StrList *scopes);

extern int	entitlement_match_secret(const Entitlement *entitlement,
									 SecretPurpose purpose,
									 SecretScheme scheme, const uint8 *hash);

#endif							/* DEVAPP_ENTITLEMENT_H */
