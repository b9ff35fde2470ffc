/*
 * token_client.h
 *		Who asks for a token, or about one.
 */
#ifndef DEVAPP_TOKEN_CLIENT_H
#define DEVAPP_TOKEN_CLIENT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

#include "base/compat.h"
#include "decide/entitlement.h"

/* Which client, and how it proves that it is that; data NULL: nothing. */
typedef struct ClientProof
{
	Str			client;			/* a reference to its credential */
	Str			secret;
	Str			assertion;
} ClientProof;

extern Str	token_string_argument(FunctionCallInfo fcinfo, int n);
extern compat_noreturn void token_client_refuse(const char *why);
extern ClientProof token_client_proof(FunctionCallInfo fcinfo, int n);
extern Entitlement *token_client_load(Str consumer_key, uint64 *loaded_at);
extern const DecideSecret *token_client_current_secret(const Entitlement *entitlement);
extern Entitlement *token_client_require(const ClientProof *proof, TimestampTz now);
extern Entitlement *token_client_asking(FunctionCallInfo fcinfo, int n, TimestampTz now);
extern VerdictCode token_client_standing(const Entitlement *entitlement, const DecideSecret *secret,
										 TimestampTz now);
extern bool token_client_owns(const Entitlement *asking, const Entitlement *about);
extern bool token_client_may_see(const Entitlement *asking, const Entitlement *about);

extern Str	token_client_id(const Entitlement *entitlement);
extern StrList token_client_scopes(const Entitlement *entitlement);
extern Str	token_scope_claim(const StrList *scopes);

#endif							/* DEVAPP_TOKEN_CLIENT_H */
