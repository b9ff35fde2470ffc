/*
 * urgent_secrets.h
 *		The secrets that have to be rotated first, of those that are handed in.
 */
#ifndef DEVAPP_URGENT_SECRETS_H
#define DEVAPP_URGENT_SECRETS_H

#include "postgres.h"

#include "utils/timestamp.h"
#include "utils/uuid.h"

typedef struct SecretKey
{
	pg_uuid_t	credential_id;
	int32		version;
} SecretKey;

typedef struct UrgentSecret
{
	SecretKey	key;
	bool		still_used;
	bool		ends;
	TimestampTz ends_at;
	TimestampTz issued_at;
} UrgentSecret;

typedef struct UrgentSecrets
{
	int			most;			/* to keep; there is room for twice as many */
	int			n;
	UrgentSecret *secrets;
	UrgentSecret least;			/* of those that were kept when there was no more room */
	int64		handed_in;
} UrgentSecrets;

extern void urgent_secrets_init(UrgentSecrets *urgent, int most);
extern void urgent_secrets_add(UrgentSecrets *urgent, const UrgentSecret *secret);

/* Puts them in order, and lets go of those that are too many. */
extern void urgent_secrets_sort(UrgentSecrets *urgent);

#endif							/* DEVAPP_URGENT_SECRETS_H */
