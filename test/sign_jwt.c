/*
 * sign_jwt.c
 *		Keys and signatures for tests.
 *
 *	sign_jwt new ALG		makes a key: prints its private part in hex, its thumbprint and its JWK
 *	sign_jwt ALG HEX		signs: for each line "header TAB payload" prints a token
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "token/jwt_core.h"

static void
give_up(const char *why)
{
	fprintf(stderr, "sign_jwt: %s\n", why);
	exit(1);
}

static void
print_new_key(TokenAlg alg)
{
	TokenKey   *key = token_key_generate(alg);
	uint8_t		private_part[PRIVATE_KEY_MAX];
	char		hex[2 * PRIVATE_KEY_MAX + 1];
	uint8_t		thumbprint[JWK_THUMBPRINT_LEN];
	char		kid[BASE64URL_ENCODED_LEN(JWK_THUMBPRINT_LEN) + 1] = {0};
	char		text[JWK_TEXT_MAX];
	size_t		len;
	Jwk			jwk;

	if (key == NULL || !token_key_public(key, &jwk))
		give_up("no key was made");
	len = token_key_private(key, private_part);
	sodium_bin2hex(hex, sizeof(hex), private_part, len);
	jwk_thumbprint(&jwk, thumbprint);
	(void) base64url_encode(thumbprint, sizeof(thumbprint), kid);
	(void) jwk_write(&jwk, (Str) {NULL, 0}, text);
	printf("%s\t%s\t%s\n", hex, kid, text);
}

static void
sign_lines(TokenAlg alg, const char *hex)
{
	static uint8_t private_part[PRIVATE_KEY_MAX];
	static char line[JWT_MAX];
	static char token[2 * JWT_MAX];
	TokenKey   *key;
	size_t		len;

	if (sodium_hex2bin(private_part, sizeof(private_part), hex, strlen(hex), NULL, &len, NULL) != 0)
		give_up("the key is not hex");
	key = token_key_from_private(alg, private_part, len);
	if (key == NULL)
		give_up("the key is not one");
	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		char	   *payload = strchr(line, '\t');

		if (payload == NULL)
			give_up("a line has no tabulator");
		*payload++ = '\0';
		payload[strcspn(payload, "\n")] = '\0';
		len = jwt_write((Str) {line, strlen(line)}, (Str) {payload, strlen(payload)}, key, token,
						sizeof(token));
		printf("%.*s\n", (int) len, token);
	}
	token_key_free(key);
}

int
main(int argc, char **argv)
{
	const char *alg = argc == 3 && strcmp(argv[1], "new") == 0 ? argv[2] : argv[1];

	if (argc != 3 || sodium_init() < 0)
		give_up("usage: sign_jwt new ALG, or sign_jwt ALG HEX");
	if (alg == argv[2])
		print_new_key(token_alg_of((Str) {alg, strlen(alg)}));
	else
		sign_lines(token_alg_of((Str) {alg, strlen(alg)}), argv[2]);
	return 0;
}
