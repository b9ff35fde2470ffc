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

/* Can it be a text of this database at all? */
extern bool named_is_text(Str name);

/* By e-mail or id; false: there is none. */
extern bool named_developer(Str name, Snapshot snapshot, pg_uuid_t *developer_id);

/* By id or owner/name, as app_ref; false: there is none. */
extern bool named_app(Str name, Snapshot snapshot, pg_uuid_t *app_id);

/* Of the credential that was issued first among those that work; data is NULL where there is none. */
extern Str	consumer_key_of_app(const pg_uuid_t *app_id, Snapshot snapshot);

#endif							/* DEVAPP_NAMED_HOLDER_H */
