/*
 * fuzz_scanner.c
 *		Fuzz target: what a secret scanner signs.
 *
 * The input is taken as a public key, as a signature, and as a signed body.  A key that is accepted has
 * a point of P-256, from which the same key is made again.  Nothing but the one signature that openssl
 * made is good for the one body.
 */
#include <openssl/err.h>
#include <sodium.h>
#include <stdbool.h>

#include "fuzz.h"
#include "token/scanner_core.h"

static const char key_pem[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeb32v4K1j6SM7Z+hnASUMuN5SjjF\n"
	"HGHC/NJC5ABUqROniDD/1mzLDowz2ozS8qpf5F1CLceXU8/AqOWdXgHnFw==\n"
	"-----END PUBLIC KEY-----\n";
static const char body[] =
	"[{\"token\":\"dvk_live_x\",\"type\":\"devapp_key\",\"url\":\"https://example.com/\\u00e4\",\"source\":\"content\"}]";
static const char signature[] =
	"MEQCIFDEekonbmB0riJ4ckqsK5tlffUoEkEAnfY1KyqwqIHBAiBzTxWJlcKKBBZhUHhTyV1L8cGWg2EAhv7NS65zjv1l5Q==";

static TokenKey *key;

static Str
str_of(const char *s)
{
	return (Str) {s, strlen(s)};
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	CHECK(sodium_init() >= 0);
	key = scanner_key_read(str_of(key_pem));
	CHECK(key != NULL && scanner_signature_is_good(key, str_of(body), str_of(signature)));
	return 0;
}

/* A key that is accepted is one of JOSE, too. */
static void
check_key(Str pem)
{
	TokenKey   *accepted = scanner_key_read(pem);
	TokenKey   *again;
	Jwk			jwk;

	CHECK(ERR_peek_error() == 0);
	if (accepted == NULL)
		return;
	CHECK(token_key_alg(accepted) == ALG_ES256 && token_key_public(accepted, &jwk));
	again = token_key_from_jwk(&jwk);
	CHECK(again != NULL);
	CHECK(!scanner_signature_is_good(accepted, str_of("another body"), str_of(signature)));
	token_key_free(again);
	token_key_free(accepted);
}

/* Is it that signature, with blanks around it? */
static bool
is_signature(Str s)
{
	size_t		start = 0;
	size_t		end = s.len;

	while (start < end && memchr(" \t\r\n", s.data[start], 4) != NULL)
		start++;
	while (end > start && memchr(" \t\r\n", s.data[end - 1], 4) != NULL)
		end--;
	return end - start == strlen(signature) && memcmp(s.data + start, signature, end - start) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);
	Str			input = {copy, size};
	bool		is_body = size == strlen(body) && memcmp(copy, body, size) == 0;

	check_key(input);
	CHECK(scanner_signature_is_good(key, str_of(body), input) == is_signature(input));
	CHECK(scanner_signature_is_good(key, input, str_of(signature)) == is_body);
	CHECK(ERR_peek_error() == 0);
	free(copy);
	return 0;
}
