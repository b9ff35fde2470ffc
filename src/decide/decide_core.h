/*
 * decide_core.h
 *		May this credential do this, now?  Needs no backend.
 */
#ifndef DEVAPP_DECIDE_CORE_H
#define DEVAPP_DECIDE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "match/network_core.h"
#include "match/pattern_core.h"
#include "match/scope_core.h"

/*
 * The verdicts, in the order in which they are checked; but UNAVAILABLE and STALE come
 * before all others.  One that comes later is the last here, wherever it is checked and in
 * devapp.verdict_code: shipments and files of counters have the numbers.
 */
typedef enum VerdictCode
{
	VERDICT_VALID,
	VERDICT_MALFORMED,
	VERDICT_NOT_FOUND,
	VERDICT_TOKEN_REVOKED,
	VERDICT_PROOF_REQUIRED,
	VERDICT_EXPIRED,
	VERDICT_SUPERSEDED,
	VERDICT_CREDENTIAL_REVOKED,
	VERDICT_APP_PENDING,
	VERDICT_APP_REJECTED,
	VERDICT_APP_SUSPENDED,
	VERDICT_APP_REVOKED,
	VERDICT_APP_DELETED,
	VERDICT_OWNER_INACTIVE,
	VERDICT_NO_PRODUCT,
	VERDICT_PRODUCT_PENDING,
	VERDICT_PRODUCT_REVOKED,
	VERDICT_RESOURCE_FORBIDDEN,
	VERDICT_METHOD_FORBIDDEN,
	VERDICT_PROXY_FORBIDDEN,
	VERDICT_ENVIRONMENT_FORBIDDEN,
	VERDICT_SCOPE_INSUFFICIENT,
	VERDICT_ADDRESS_FORBIDDEN,
	VERDICT_UNAVAILABLE,
	VERDICT_STALE,
	VERDICT_QUOTA_EXCEEDED,
	VERDICT_RATE_LIMITED
} VerdictCode;

#define VERDICT_CODES	(VERDICT_RATE_LIMITED + 1)

typedef struct VerdictInfo
{
	const char *code;
	int			http_status;
	const char *fault;			/* NULL for VALID */
} VerdictInfo;

typedef enum AppStatus
{
	APP_PENDING,
	APP_REJECTED,
	APP_APPROVED,
	APP_SUSPENDED,
	APP_REVOKED,
	APP_DELETED
} AppStatus;

#define APP_STATUSES	(APP_DELETED + 1)

/* The word in the column, and the verdict on a call. */
typedef struct AppStatusInfo
{
	const char *word;
	VerdictCode verdict;
} AppStatusInfo;

typedef enum CredentialProductStatus
{
	CREDENTIAL_PRODUCT_PENDING,
	CREDENTIAL_PRODUCT_APPROVED,
	CREDENTIAL_PRODUCT_REVOKED
} CredentialProductStatus;

#define CREDENTIAL_PRODUCT_STATUSES	(CREDENTIAL_PRODUCT_REVOKED + 1)

typedef struct CredentialProductStatusInfo
{
	const char *word;
	VerdictCode verdict;
} CredentialProductStatusInfo;

/* HTTP methods: a bit for each that is registered, the rest by name. */
typedef struct MethodSet
{
	bool		any;
	uint32_t	known;
	StrList		others;
} MethodSet;

typedef struct DecideOperation
{
	Str			resource;
	MethodSet	methods;
	Str			proxy;			/* data NULL: whatever the product covers */
} DecideOperation;

/* Operations are in order of rank, so that the first that covers answers. */
typedef struct DecideProduct
{
	StrList		environments;
	StrList		proxies;
	StrList		scopes;			/* that it offers */
	bool		slash_optional;	/* a '/' at the end of a path makes no difference */
	int			noperations;
	DecideOperation *operations;
	PatternSet *patterns;		/* numbered like operations; NULL if none */
} DecideProduct;

typedef struct DecideCredentialProduct
{
	CredentialProductStatus status;
	DecideProduct *product;
	StrList		scopes;			/* that the credential has by it */
} DecideCredentialProduct;

#define DECIDE_NEVER	INT64_MAX	/* a time that does not come */

typedef struct DecideSecret
{
	int64_t		valid_until;	/* DECIDE_NEVER if it is the current one */
	bool		ended;			/* whatever the clock says */
	/* what no decision asks */
	bool		superseded;		/* a newer one took its place */
	int32_t		version;
} DecideSecret;

typedef struct DecideEntitlement
{
	int64_t		expires_at;		/* DECIDE_NEVER if it does not expire */
	Str			environment;	/* data NULL: works in every one */
	NetworkList app_networks;	/* none: from everywhere */
	NetworkList credential_networks;	/* the same */
	DecideCredentialProduct *credential_products;	/* in the order of association */
	int			ncredential_products;
	AppStatus	app_status;
	bool		credential_approved;
	bool		owner_active;
	bool		owner_is_team;
} DecideEntitlement;

/* What is asked.  data NULL: not checked. */
typedef struct DecideRequest
{
	Str			resource;		/* without the query */
	bool		resource_safe;
	Str			method;
	Str			environment;
	Str			proxy;
	const ScopeExpression *scope;	/* NULL: not checked */
	bool		client_known;
	Network		client;
	int64_t		now;
} DecideRequest;

/* How far a product covers a request. */
typedef enum Coverage
{
	COVERS_NOTHING,				/* no operation matches the path */
	COVERS_PATH_NOT_PROXY,
	COVERS_PATH_NOT_METHOD,
	COVERS_ALL_BUT_ENVIRONMENT,
	COVERS_ALL_BUT_SCOPE,
	COVERS_ALL
} Coverage;

typedef struct Decision
{
	VerdictCode code;
	int			credential_product;	/* that answered or came closest, or -1 */
	int			operation;		/* of its product, or -1 */
} Decision;

/* What does not depend on the request: the rules, and the checks that they consist of. */
typedef enum StandingRule
{
	RULE_SECRET,
	RULE_EXPIRY,
	RULE_CREDENTIAL,
	RULE_APP,
	RULE_OWNER
} StandingRule;

#define STANDING_RULES	(RULE_OWNER + 1)
#define STANDING_CHECKS	5

typedef struct StandingCheck
{
	StandingRule rule;
	VerdictCode (*check) (const DecideEntitlement *entitlement,
						  const DecideSecret *secret, int64_t now);
} StandingCheck;

extern const StandingCheck standing_checks[STANDING_CHECKS];
extern const char *const standing_rule_names[STANDING_RULES];

extern const VerdictInfo verdict_info[VERDICT_CODES];
extern VerdictCode verdict_stand_in(VerdictCode code);
extern const char *verdict_fault(VerdictCode code, bool owner_is_team);

extern const AppStatusInfo app_status_info[APP_STATUSES];
extern const CredentialProductStatusInfo credential_product_status_info[CREDENTIAL_PRODUCT_STATUSES];

extern AppStatus decide_app_status(Str word);
extern CredentialProductStatus decide_credential_product_status(Str word);

extern void decide_request_init(DecideRequest *request);
extern void decide_request_set_resource(DecideRequest *request,
										const char *path, size_t len);
extern void method_set_add(MethodSet *set, Str method, Str *other_slots);

extern bool decide_environment_is_named(const DecideEntitlement *entitlement,
										Str environment);
extern StrList decide_scopes(const StrList *requested, const StrList *offered,
							 Str *slots);
extern bool decide_secret_works(const DecideSecret *secret, int64_t now);
extern Coverage decide_coverage(const DecideEntitlement *entitlement,
								const DecideCredentialProduct *credential_product,
								const DecideRequest *request, int *operation);
extern bool decide_address_allowed(const DecideEntitlement *entitlement,
								   const DecideRequest *request);

extern Decision decide(const DecideEntitlement *entitlement,
					   const DecideSecret *secret,
					   const DecideRequest *request);

#endif							/* DEVAPP_DECIDE_CORE_H */
