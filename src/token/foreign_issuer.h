/*
 * foreign_issuer.h
 *		Tokens of other issuers: devapp.token_issuer.
 */
#ifndef DEVAPP_FOREIGN_ISSUER_H
#define DEVAPP_FOREIGN_ISSUER_H

#include "postgres.h"

#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "decide/verdict.h"
#include "token/jwt_core.h"

/* Whom a token of another issuer is for. */
typedef struct ForeignToken
{
	pg_uuid_t	issuer_id;		/* changes of the issuer are changes of this id: invalidation.h */
	Str			consumer_key;	/* of the credential behind it; data NULL: none */
	pg_uuid_t	developer_id;	/* whom it names, where the verdict is NO_PRODUCT */
	bool		names_app;		/* the credential is one of an app's, which was chosen now */
} ForeignToken;

/*
 * Verify the signature and the audience of a token whose claims were read, and find whom it
 * is for.  VALID: a credential; NO_PRODUCT: a developer, behind whom no product stands.
 * MALFORMED, NOT_FOUND, UNAVAILABLE (its shared secret cannot be unsealed): it is refused.
 * What depends on the clock is not looked at.
 */
extern VerdictCode foreign_token_open(const Jwt *jwt, uint64 loaded_at, Snapshot snapshot,
									  ForeignToken *out);

#endif							/* DEVAPP_FOREIGN_ISSUER_H */
