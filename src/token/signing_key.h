/*
 * signing_key.h
 *		The keys that sign our tokens: devapp.signing_key.
 */
#ifndef DEVAPP_TOKEN_SIGNING_KEY_H
#define DEVAPP_TOKEN_SIGNING_KEY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "base/str.h"
#include "token/signature_core.h"

/*
 * A key as a backend keeps it.  It stays where it is until the transaction ends or
 * another function of this file is called, whichever is first.
 */
typedef struct TokenSigningKey
{
	const char *kid;
	TokenAlg	alg;
	pg_uuid_t	key_id;			/* changes of the key are changes of this id: invalidation.h */
	const TokenKey *public_key;	/* ready to verify */
	bool		compromised;	/* its tokens are revoked */
	TimestampTz verify_until;	/* no token of it is good from then on; DT_NOEND: it is not retired */
	int			longest_lifetime;	/* seconds that a token of it may have */
} TokenSigningKey;

/*
 * The key of that kid, whatever its status; NULL: there is none.  loaded_at is the moment
 * before the snapshot was taken (cache_begin_load(), invalidation_accept()).
 */
extern const TokenSigningKey *signing_key_find(Str kid, uint64 loaded_at, Snapshot snapshot);

/* The key that signs with that algorithm; NULL: none is active. */
extern const TokenSigningKey *signing_key_active(TokenAlg alg, uint64 loaded_at, Snapshot snapshot);

/* The private part, for as long as the key itself stays.  SQLSTATE 58030 if it cannot be unsealed. */
extern const TokenKey *signing_key_private(const TokenSigningKey *key);

/*
 * Before a token of that many seconds is issued: the key is published until it has
 * expired.  Writes only where no token of the key was to live for so long yet.
 */
extern void signing_key_will_sign(const TokenSigningKey *key, int lifetime);

#endif							/* DEVAPP_TOKEN_SIGNING_KEY_H */
