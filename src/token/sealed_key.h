/*
 * sealed_key.h
 *		What is sealed in the database: devapp.sealed_key.
 */
#ifndef DEVAPP_SEALED_KEY_H
#define DEVAPP_SEALED_KEY_H

#include "postgres.h"

#include "utils/snapshot.h"

#include "base/str.h"

/* What is sealed for a subject; data is NULL where nothing is. */
extern Str	sealed_key_find(const char *subject, Snapshot snapshot);

#endif							/* DEVAPP_SEALED_KEY_H */
