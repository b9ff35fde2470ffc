/*
 * named_holder.h
 *		Whom a token of another issuer names.
 */
#ifndef DEVAPP_NAMED_HOLDER_H
#define DEVAPP_NAMED_HOLDER_H

#include "postgres.h"

#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "base/str.h"

/* True if the name can be a text of this database at all. */
extern bool named_is_text(Str name);

/* Find a developer by e-mail or id; false if there is no such developer. */
extern bool named_developer(Str name, Snapshot snapshot, pg_uuid_t *developer_id);

/* Find an app by id or owner/name, as app_ref; false if there is no such app. */
extern bool named_app(Str name, Snapshot snapshot, pg_uuid_t *app_id);

/*
 * Find a credential by id or consumer key, as credential_ref; false if there is none, or it was
 * deleted.  Nothing of the name gets into a statement: it may be a secret in the wrong place.
 */
extern bool named_credential(Str name, Snapshot snapshot, pg_uuid_t *credential_id, text **consumer_key);

/*
 * The consumer key of the credential that was issued first, among those that work if any
 * does; data is NULL if the app has no credential.
 */
extern Str	consumer_key_of_app(const pg_uuid_t *app_id, Snapshot snapshot);

#endif							/* DEVAPP_NAMED_HOLDER_H */
