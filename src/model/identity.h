/*
 * identity.h
 *		Who acts.
 */
#ifndef DEVAPP_IDENTITY_H
#define DEVAPP_IDENTITY_H

#include "postgres.h"

#include "utils/uuid.h"

extern const char *identity_actor(void);
extern const char *identity_trail_actor(void);
extern const char *identity_name(void);
extern char *identity_developer_email(const pg_uuid_t *developer_id, bool *is_active);
extern char *identity_email_key(const char *email);
extern void identity_require_somebody(const char *table);
extern void identity_define_gucs(void);

#endif							/* DEVAPP_IDENTITY_H */
