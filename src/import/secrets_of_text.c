/*
 * secrets_of_text.c
 *		Which secrets is this text?
 *
 * For whoever found a text and knows nothing else of it.  A text may be the secret of several clients
 * that were imported.  A secret of which only a slow hash is stored is not found.
 *
 * The tables are read here and not by SQL: neither the text nor a digest of it is a parameter of a
 * statement, which auto_explain would log.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/sha256_core.h"
#include "base/sodium.h"
#include "base/str.h"
#include "import/sha512_256_core.h"
#include "key/secret.h"
#include "table/catalog.h"

PG_FUNCTION_INFO_V1(devapp_secrets_of_text);

/* The ids of the secrets with this digest. */
static ArrayBuildState *
find_digest(ArrayBuildState *ids, Datum digest, Snapshot snapshot)
{
	CatalogScan scan;
	SecretDigest wanted;
	SecretDigest stored;
	bool		isnull;

	if (!secret_digest_read(digest, &wanted))
		return ids;
	catalog_scan_begin(&scan, SECRET_BY_DIGEST, digest, snapshot);
	while (catalog_scan_next(&scan))
	{
		/* a hash index knows only the hash, so the digest is compared here */
		if (secret_digest_read(catalog_value(&scan, SECRET_DIGEST, &isnull), &stored) &&
			sodium_memcmp(&stored, &wanted, sizeof(stored)) == 0)
			ids = accumArrayResult(ids, catalog_value(&scan, SECRET_ID, &isnull), false, UUIDOID,
								   CurrentMemoryContext);
	}
	catalog_scan_end(&scan);
	return ids;
}

/* The same with a digest of this hash, whichever pepper keyed it. */
static ArrayBuildState *
find_hash(ArrayBuildState *ids, SecretScheme scheme, const uint8 *hash, Snapshot snapshot)
{
	Datum		digests[SECRET_DIGESTS_MAX];
	int			count = secret_possible_digests(scheme, hash, digests);

	for (int i = 0; i < count; i++)
		ids = find_digest(ids, digests[i], snapshot);
	return ids;
}

/* SQL: secrets_of_text(text) */
Datum
devapp_secrets_of_text(PG_FUNCTION_ARGS)
{
	text	   *given = PG_GETARG_TEXT_PP(0);
	Str			secret = {VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given)};
	ArrayBuildState *ids = initArrayResult(UUIDOID, CurrentMemoryContext, false);
	Snapshot	snapshot;
	uint8		hash[SHA256_LEN];

	devapp_require_sodium();
	snapshot = catalog_take_snapshot();
	sha256_of(secret.data, secret.len, hash);
	ids = find_hash(ids, SECRET_BLAKE2B, hash, snapshot);
	sha512_256(secret.data, secret.len, hash);
	ids = find_hash(ids, SECRET_SHA512_256, hash, snapshot);
	sodium_memzero(hash, sizeof(hash));
	catalog_release_snapshot(snapshot);
	PG_RETURN_DATUM(makeArrayResult(ids, CurrentMemoryContext));
}
