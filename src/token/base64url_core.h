/*
 * base64url_core.h
 *		Base64url without padding (RFC 7515, section 2).  Needs no backend.
 */
#ifndef DEVAPP_BASE64URL_CORE_H
#define DEVAPP_BASE64URL_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* digits that n bytes take, and bytes that n digits make at most */
#define BASE64URL_ENCODED_LEN(n)	(((n) * 4 + 2) / 3)
#define BASE64URL_DECODED_MAX(n)	((n) / 4 * 3 + 2)

extern size_t base64url_encode(const uint8_t *bytes, size_t len, char *out);
extern bool base64url_decode(Str text, uint8_t *out, size_t *out_len);
extern bool base64url_decode_exactly(Str text, uint8_t *out, size_t len);

#endif							/* DEVAPP_BASE64URL_CORE_H */
