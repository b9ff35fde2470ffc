/*
 * uuid.h
 *		Time-ordered UUIDs, their text, and reading one that was typed.
 */
#ifndef DEVAPP_UUID_H
#define DEVAPP_UUID_H

#include "postgres.h"

#include "utils/uuid.h"

#include "base/str.h"

extern void uuid_set_variant(pg_uuid_t *uuid);
extern bool uuid_make_v7(pg_uuid_t *uuid);
extern void uuid_require_v7(pg_uuid_t *uuid);
extern char *uuid_text(const pg_uuid_t *uuid);
extern bool uuid_parse(Str s, pg_uuid_t *uuid);
extern bool uuid_parse_typed(Str s, pg_uuid_t *uuid);

#endif							/* DEVAPP_UUID_H */
