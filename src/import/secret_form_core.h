/*
 * secret_form_core.h
 *		How other systems write the hashes of secrets.  Needs no backend.
 */
#ifndef DEVAPP_SECRET_FORM_CORE_H
#define DEVAPP_SECRET_FORM_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORM_HASH_LEN	32		/* SHA-256, SHA-512/256, and our digests */
#define FORM_FINGERPRINT_LEN	16
#define FORM_PEPPER_MAX	65535

/* A digest of another database of devapp, as export_apps() writes it. */
typedef struct DigestForm
{
	const char *scheme;			/* credential_secret.scheme: how the secret is found */
	int			pepper;			/* its number there; 0: none */
	uint8_t		digest[FORM_HASH_LEN];
	bool		has_fingerprint;
	uint8_t		fingerprint[FORM_FINGERPRINT_LEN];	/* of the pepper */
} DigestForm;

extern bool form_read_hash(const char *s, size_t len, uint8_t *out);
extern bool form_read_digest(const char *s, size_t len, DigestForm *out);

#endif							/* DEVAPP_SECRET_FORM_CORE_H */
