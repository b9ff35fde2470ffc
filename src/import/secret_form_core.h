/*
 * secret_form_core.h
 *		How other systems write the hashes of secrets.  Needs no backend.
 */
#ifndef DEVAPP_SECRET_FORM_CORE_H
#define DEVAPP_SECRET_FORM_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORM_HASH_LEN	32		/* SHA-256, SHA-512/256 */

extern bool form_read_hash(const char *s, size_t len, uint8_t *out);

#endif							/* DEVAPP_SECRET_FORM_CORE_H */
