/*
 * scanner_core.h
 *		What a secret scanner signs: its public key in PEM, its signature in base64.  Needs no
 *		backend.
 */
#ifndef DEVAPP_SCANNER_CORE_H
#define DEVAPP_SCANNER_CORE_H

#include <stdbool.h>

#include "base/str.h"
#include "token/signature_core.h"

/* The DER of a public key of P-256 has 91 bytes, and that of a signature at most 72. */
#define SCANNER_KEY_MAX			256
#define SCANNER_SIGNATURE_MAX	80

/* NULL where it is not a public key of P-256, or there is no memory. */
extern TokenKey *scanner_key_read(Str pem);
extern bool scanner_signature_is_good(const TokenKey *key, Str body, Str signature);

#endif							/* DEVAPP_SCANNER_CORE_H */
