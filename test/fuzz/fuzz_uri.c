/*
 * fuzz_uri.c
 *		Fuzz target: callback URLs, and the path of a request.
 *
 * The whole input is taken as a URL and as a path.  Of a URL that is accepted,
 * the parts are found again in a plain way and must be what the rules allow;
 * URLs made to be right must be accepted.  A path must be judged as the
 * reference judges it.
 */
#include <ctype.h>
#include <stdbool.h>
#include <strings.h>

#include "fuzz.h"
#include "match/path_core.h"
#include "reference_path.h"
#include "model/uri_core.h"

/* The longest path that may pass, and one byte more. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char	   *path = fuzz_alloc(NULL, PATH_MAX_LEN + 1);

	memset(path, '/', PATH_MAX_LEN + 1);
	CHECK(path_is_safe(path, PATH_MAX_LEN));
	CHECK(!path_is_safe(path, PATH_MAX_LEN + 1));
	free(path);
	return 0;
}

/* ---------- URLs ---------- */

static bool
is_loopback(const char *host)
{
	unsigned	parts[4];
	char		rest;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return strspn(host, "0123456789.") == strlen(host) &&
		sscanf(host, "%3u.%3u.%3u.%3u%c", &parts[0], &parts[1], &parts[2],
			   &parts[3], &rest) == 4 &&
		parts[0] == 127 && parts[1] < 256 && parts[2] < 256 && parts[3] < 256;
}

/* authority is a string of its own, which is cut up here */
static void
check_authority(const char *scheme, char *authority)
{
	char	   *host = authority;
	char	   *port;

	CHECK(strchr(authority, '@') == NULL);
	if (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)
		return;

	if (host[0] == '[')
	{
		port = host + 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
		CHECK(*port++ == ']');
	}
	else
		port = host + strcspn(host, ":[]");
	CHECK(*port == '\0' || *port == ':');
	if (*port != '\0')
	{
		*port++ = '\0';
		CHECK(strspn(port, "0123456789") == strlen(port));
		CHECK(*port == '\0' || (atol(port) >= 1 && atol(port) <= 65535));
	}
	CHECK(host[0] != '\0');
	CHECK(strcasecmp(scheme, "https") == 0 || is_loopback(host));
}

/* uri is a string, which was accepted */
static void
check_accepted(char *uri)
{
	static const char *const forbidden[] = {
		"javascript", "data", "vbscript", "file", "blob", "about"
	};
	char	   *rest;

	for (const char *c = uri; *c != '\0'; c++)
	{
		CHECK((unsigned char) *c > ' ' && (unsigned char) *c < 0x7F);
		CHECK(strchr("#\"<>\\^`{|}", *c) == NULL);
		CHECK(*c != '%' || (isxdigit((unsigned char) c[1]) &&
							isxdigit((unsigned char) c[2])));
	}

	rest = strchr(uri, ':');
	CHECK(rest != NULL && rest != uri && isalpha((unsigned char) uri[0]));
	*rest++ = '\0';
	for (const char *c = uri; *c != '\0'; c++)
		CHECK(isalnum((unsigned char) *c) || strchr("+-.", *c) != NULL);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		CHECK(strcasecmp(uri, forbidden[i]) != 0);

	CHECK(rest[0] != '\0');
	if (strncmp(rest, "//", 2) == 0)
	{
		rest[2 + strcspn(rest + 2, "/?")] = '\0';
		check_authority(uri, rest + 2);
	}
	else
		CHECK(strcasecmp(uri, "http") != 0 && strcasecmp(uri, "https") != 0);
}

static UriError
check_uri(const char *s, size_t len)
{
	UriError	error = uri_check_callback(s, len);

	CHECK(uri_error_text(error)[0] != '\0');
	if (error == URI_OK)
	{
		char	   *uri = fuzz_alloc(NULL, len + 1);

		memcpy(uri, s, len);
		uri[len] = '\0';
		CHECK(strlen(uri) == len);
		check_accepted(uri);
		free(uri);
	}
	return error;
}

/* URLs that are right, with letters and numbers from the input. */
static void
check_made(FuzzInput in)
{
	static const char letters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	static const char *const formats[] = {
		"https://%s", "HTTPS://%s.example/%s?%s", "https://%s:8443/%s",
		"http://localhost/%s", "http://LocalHost:3000/%s", "http://[::1]:80/%s/%s",
		"com.example.%s:/%s", "app+v1://%s/%s?%s"
	};
	char		word[9] = "";
	char		uri[128];
	unsigned	format = fuzz_below(&in, sizeof(formats) / sizeof(formats[0]));
	unsigned	loopback[4];

	for (unsigned i = 0; i < 8; i++)
		word[i] = letters[fuzz_below(&in, sizeof(letters) - 1)];
	/* a scheme has no '_' nor '~' */
	for (char *c = word; *c != '\0'; c++)
	{
		if (format == 6 && (*c == '_' || *c == '~'))
			*c = '-';
	}
	(void) snprintf(uri, sizeof(uri), formats[format], word, word, word);
	CHECK(check_uri(uri, strlen(uri)) == URI_OK);

	for (int i = 0; i < 4; i++)
		loopback[i] = fuzz_byte(&in);
	(void) snprintf(uri, sizeof(uri), "http://127.%u.%u.%u:%u/%s", loopback[0],
					loopback[1], loopback[2], 1 + loopback[3] * 256, word);
	CHECK(check_uri(uri, strlen(uri)) == URI_OK);
	loopback[loopback[3] % 3] += 256;
	(void) snprintf(uri, sizeof(uri), "http://127.%u.%u.%u/", loopback[0],
					loopback[1], loopback[2]);
	CHECK(check_uri(uri, strlen(uri)) == URI_INSECURE);
	(void) snprintf(uri, sizeof(uri), "http://127.%u.%u.%u.%s/", loopback[0],
					loopback[1], loopback[2], word);
	CHECK(check_uri(uri, strlen(uri)) == URI_INSECURE);
}

/* ---------- paths ---------- */

static void
check_path(const char *s, size_t len)
{
	size_t		n = path_without_query(s, len);

	CHECK(n == reference_without_query(s, len));
	CHECK(path_is_safe(s, len) == reference_is_safe(s, len));
	if (n < len)
	{
		char	   *path = fuzz_copy(s, n);

		CHECK(path_is_safe(path, n) == reference_is_safe(path, n));
		free(path);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);

	(void) check_uri(copy, size);
	check_path(copy, size);
	free(copy);
	check_made((FuzzInput) {data, size});
	return 0;
}
