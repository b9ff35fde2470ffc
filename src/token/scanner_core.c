/*
 * scanner_core.c
 *		What a secret scanner signs: its public key in PEM, its signature in base64.  Needs no
 *		backend.
 *
 * GitHub signs the body of a report by ECDSA over P-256 with SHA-256.  It publishes its keys as
 * "BEGIN PUBLIC KEY" in PEM (RFC 7468, section 13), and sends signatures in DER and base64.
 *
 * The PEM is read here and not by OpenSSL, whose reader takes encrypted keys too and would ask for a
 * password on the terminal.
 */
#include "token/scanner_core.h"

#include <sodium.h>
#include <string.h>

#define PEM_BEGIN	"-----BEGIN PUBLIC KEY-----"
#define PEM_END		"-----END PUBLIC KEY-----"
#define BLANKS		" \t\r\n"

/* Without the blanks around it. */
static Str
without_blanks(Str s)
{
	while (s.len > 0 && s.data[0] != '\0' && strchr(BLANKS, s.data[0]) != NULL)
		s = (Str) {s.data + 1, s.len - 1};
	while (s.len > 0 && s.data[s.len - 1] != '\0' && strchr(BLANKS, s.data[s.len - 1]) != NULL)
		s.len--;
	return s;
}

/* What is between the two lines; data NULL: they are not there. */
static Str
between_lines(Str pem)
{
	size_t		around = strlen(PEM_BEGIN) + strlen(PEM_END);

	pem = without_blanks(pem);
	if (pem.len < around || memcmp(pem.data, PEM_BEGIN, strlen(PEM_BEGIN)) != 0 ||
		memcmp(pem.data + pem.len - strlen(PEM_END), PEM_END, strlen(PEM_END)) != 0)
		return (Str) {NULL, 0};
	return (Str) {pem.data + strlen(PEM_BEGIN), pem.len - around};
}

/* Read base64 with padding; returns how many bytes it was, 0 if it is not base64 or there is no room. */
static size_t
read_base64(Str text, const char *ignored, uint8_t *out, size_t room)
{
	const char *end;
	size_t		len;

	if (sodium_base642bin(out, room, text.data, text.len, ignored, &len, &end,
						  sodium_base64_VARIANT_ORIGINAL) != 0 || end != text.data + text.len)
		return 0;
	return len;
}

TokenKey *
scanner_key_read(Str pem)
{
	uint8_t		der[SCANNER_KEY_MAX];
	Str			text = between_lines(pem);
	size_t		len = text.data == NULL ? 0 : read_base64(text, BLANKS, der, sizeof(der));

	return len == 0 ? NULL : token_key_from_spki(der, len);
}

bool
scanner_signature_is_good(const TokenKey *key, Str body, Str signature)
{
	uint8_t		der[SCANNER_SIGNATURE_MAX];
	size_t		len = read_base64(without_blanks(signature), NULL, der, sizeof(der));

	return len > 0 && token_key_verify_der(key, body, der, len);
}
