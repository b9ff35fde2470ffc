/*
 * fuzz_http.c
 *		Fuzz target: what a request over HTTP is made of.
 *
 * The input is taken as a query, as a path, as Authorization and as media types.  What is read is
 * compared with a reader that is written in another way; what is written again is read the same.
 * A table of cases that are known comes first.
 */
#include <sodium.h>
#include <stdbool.h>

#include "api/http_core.h"
#include "fuzz.h"

static Str
str_of(const char *s)
{
	return (Str) {s, strlen(s)};
}

/* ---------- the table ---------- */

static const struct
{
	const char *type;
	HttpMedia	media;
}			media_cases[] = {
	{"", HTTP_MEDIA_NONE}, {" ; charset=utf-8", HTTP_MEDIA_NONE}, {"application/octet-stream", HTTP_MEDIA_NONE},
	{"Application/Octet-Stream;a=b", HTTP_MEDIA_NONE},
	{"application/json", HTTP_MEDIA_JSON}, {"APPLICATION/JSON ; Charset = \"UTF-8\"", HTTP_MEDIA_JSON},
	{"application/problem+json", HTTP_MEDIA_JSON}, {"application/json;charset=us-ascii", HTTP_MEDIA_JSON},
	{"application/json;charset", HTTP_MEDIA_OTHER}, {"application/json;charset=utf-16", HTTP_MEDIA_OTHER},
	{"application/json;charset=utf-8;charset=utf-7", HTTP_MEDIA_OTHER},
	{"application/jsonp", HTTP_MEDIA_OTHER}, {"text/json", HTTP_MEDIA_OTHER}, {"json", HTTP_MEDIA_OTHER},
	{"application/json, text/html", HTTP_MEDIA_OTHER},
	{"application/x-www-form-urlencoded", HTTP_MEDIA_FORM}, {"application/x-www-form-urlencoded;charset=utf-8", HTTP_MEDIA_FORM},
	{"application/x-www-form-urlencoded;charset=latin1", HTTP_MEDIA_OTHER}, {"multipart/form-data;boundary=a", HTTP_MEDIA_OTHER},
	{"application/x-www-form-urlencoded; charset=ISO-8859-1", HTTP_MEDIA_FORM}, {"application/json;charset=utf8", HTTP_MEDIA_JSON},
	{"application/json;charset=\"windows-1252\"", HTTP_MEDIA_JSON}, {"application/json;charset=\"", HTTP_MEDIA_OTHER},
};

static const struct
{
	const char *accept;
	bool		json;
}			accept_cases[] = {
	{"", true}, {" \t", true}, {"*/*", true}, {"application/*", true}, {"application/json", true}, {"text/html, */*;q=0.1", true},
	{"application/jwk-set+json", true}, {"a/b;q=1,application/json;q=0.001", true}, {"*/*;q=", true}, {"*/*;quality=0", true},
	{"text/html", false}, {"text/*", false}, {"*/*;q=0", false}, {"*/*; Q = 0.0", false}, {"application/json;v=1;q=0", false}, {",", false},
	{"application/jsonp", false}, {"json", false},
};

static const struct
{
	const char *value;
	HttpScheme	scheme;
	const char *user;
	const char *password;
	const char *token;
}			authorization_cases[] = {
	{"Basic YTpi", HTTP_SCHEME_BASIC, "a", "b", NULL}, {"basic   YTpiOmM= ", HTTP_SCHEME_BASIC, "a", "b:c", NULL}, {"Basic Og==", HTTP_SCHEME_BASIC, "", "", NULL},
	{"Basic YTpi=", HTTP_SCHEME_BROKEN, NULL, NULL, NULL}, {"Basic YTpi YTpi", HTTP_SCHEME_BROKEN, NULL, NULL, NULL},
	{"Basic YQ==", HTTP_SCHEME_BROKEN, NULL, NULL, NULL}, {"Basic YR==", HTTP_SCHEME_BROKEN, NULL, NULL, NULL},
	{"Basic YTpiAA==", HTTP_SCHEME_BROKEN, NULL, NULL, NULL}, {"Basic /zpi", HTTP_SCHEME_BROKEN, NULL, NULL, NULL},
	{"Basic YTpiOmM\301", HTTP_SCHEME_BROKEN, NULL, NULL, NULL}, {"Basic", HTTP_SCHEME_BROKEN, NULL, NULL, NULL},
	{"Bearer a.b-c_d~e+f/g=", HTTP_SCHEME_BEARER, NULL, NULL, "a.b-c_d~e+f/g="}, {"\tBEARER x", HTTP_SCHEME_BEARER, NULL, NULL, "x"},
	{"DPoP x", HTTP_SCHEME_DPOP, NULL, NULL, "x"}, {"Bearer a b", HTTP_SCHEME_BROKEN, NULL, NULL, NULL},
	{"Bearer a,Bearer b", HTTP_SCHEME_BROKEN, NULL, NULL, NULL}, {"Bearer", HTTP_SCHEME_BROKEN, NULL, NULL, NULL}, {"", HTTP_SCHEME_BROKEN, NULL, NULL, NULL},
	{"Digest a", HTTP_SCHEME_BROKEN, NULL, NULL, NULL}, {"Bearer: a", HTTP_SCHEME_BROKEN, NULL, NULL, NULL},
};

static bool
is_same(Str s, const char *word)
{
	return word == NULL ? s.data == NULL : s.data != NULL && str_is(s, word);
}

static void
check_authorization_case(int i)
{
	Str			value = str_of(authorization_cases[i].value);
	char	   *room = fuzz_alloc(NULL, value.len);
	HttpAuthorization a = http_read_authorization(value, room);

	CHECK(a.scheme == authorization_cases[i].scheme);
	CHECK(is_same(a.user, authorization_cases[i].user) && is_same(a.password, authorization_cases[i].password));
	CHECK(is_same(a.token, authorization_cases[i].token));
	free(room);
}

/* What templates stand for. */
static const struct
{
	const char *pattern;
	const char *path;
	const char *values[3];		/* NULL: no more; none at all where the path is malformed */
	bool		good;
}			path_cases[] = {
	{"/a", "/a", {NULL}, true}, {"/{b}", "/x", {"x"}, true}, {"/a/{b}", "/a/x%2Dy", {"x-y"}, true}, {"/a/{b}/c/{d}", "/a/1/c/2", {"1", "2"}, true},
	{"/a/{b}", "/a/x+y", {"x+y"}, true}, {"/a/{b+}", "/a/x/y%20z", {"x/y z"}, true}, {"/a/{b}/{c+}", "/a/x/y/", {"x", "y/"}, true},
	{"/a/{b}", "/a/%FF", {NULL}, false}, {"/a/{b}", "/a/%4", {NULL}, false}, {"/a/{b+}", "/a/x/%zz", {NULL}, false},
};

static void
check_path_case(int i)
{
	Str			path = str_of(path_cases[i].path);
	char	   *room = fuzz_alloc(NULL, path.len);
	HttpParameters *params = fuzz_alloc(NULL, sizeof(HttpParameters));
	int			n = 0;

	CHECK(http_path_is_good(path));
	CHECK(http_read_path(str_of(path_cases[i].pattern), path, room, params) == path_cases[i].good);
	while (path_cases[i].good && n < 3 && path_cases[i].values[n] != NULL)
	{
		CHECK(n < params->count && str_is(params->items[n].value, path_cases[i].values[n]));
		n++;
	}
	CHECK(!path_cases[i].good || n == params->count);
	free(params);
	free(room);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	CHECK(sodium_init() >= 0);
	for (size_t i = 0; i < sizeof(media_cases) / sizeof(media_cases[0]); i++)
		CHECK(http_media_of(str_of(media_cases[i].type), str_of("{}")) == media_cases[i].media);
	CHECK(http_media_of(str_of("application/json;charset=iso-8859-1"), str_of("\"\303\244\"")) == HTTP_MEDIA_OTHER);
	CHECK(http_media_of(str_of("application/json;charset=utf8"), str_of("\"\303\244\"")) == HTTP_MEDIA_JSON);
	for (size_t i = 0; i < sizeof(accept_cases) / sizeof(accept_cases[0]); i++)
		CHECK(http_accepts_json(str_of(accept_cases[i].accept)) == accept_cases[i].json);
	for (size_t i = 0; i < sizeof(authorization_cases) / sizeof(authorization_cases[0]); i++)
		check_authorization_case((int) i);
	for (size_t i = 0; i < sizeof(path_cases) / sizeof(path_cases[0]); i++)
		check_path_case((int) i);
	return 0;
}

/* ---------- another reader ---------- */

/* Length of the character of UTF-8 at s by the value that it has; 0: it is none, or U+0000. */
static size_t
reference_character(const uint8_t *s, size_t len)
{
	static const uint32_t smallest[] = {0, 1, 0x80, 0x800, 0x10000};
	size_t		bytes = s[0] < 0x80 ? 1 : (s[0] & 0xE0) == 0xC0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : (s[0] & 0xF8) == 0xF0 ? 4 : 0;
	uint32_t	value;

	if (bytes == 0 || bytes > len)
		return 0;
	value = bytes == 1 ? s[0] : s[0] & (0x7Fu >> bytes);
	for (size_t i = 1; i < bytes; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		value = value << 6 | (s[i] & 0x3F);
	}
	return value < smallest[bytes] || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF ? 0 : bytes;
}

static bool
reference_is_utf8(const uint8_t *s, size_t len)
{
	while (len > 0)
	{
		size_t		bytes = reference_character(s, len);

		if (bytes == 0)
			return false;
		s += bytes;
		len -= bytes;
	}
	return true;
}

/* Decode by a table of digits; the length, or -1. */
static int
reference_decode(const char *s, size_t len, bool is_form, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	int			n = 0;

	for (size_t i = 0; i < len; i++)
	{
		const char *high = NULL;
		const char *low = NULL;

		if (s[i] != '%')
		{
			out[n++] = is_form && s[i] == '+' ? ' ' : (uint8_t) s[i];
			continue;
		}
		if (len - i > 2 && s[i + 1] != '\0' && s[i + 2] != '\0')
		{
			high = strchr(digits, s[i + 1]);
			low = strchr(digits, s[i + 2]);
		}
		if (high == NULL || low == NULL)
			return -1;
		out[n++] = (uint8_t) ((high - digits) % 16 * 16 + (low - digits) % 16);
		i += 2;
	}
	return reference_is_utf8(out, (size_t) n) ? n : -1;
}

static bool
decodes_to(const char *s, size_t len, bool is_form, Str value)
{
	uint8_t    *out = fuzz_alloc(NULL, len + 1);
	int			n = reference_decode(s, len, is_form, out);
	bool		same = n >= 0 && (size_t) n == value.len && memcmp(out, value.data, value.len) == 0;

	free(out);
	return same;
}

static bool
is_decodable(const char *s, size_t len, bool is_form)
{
	uint8_t    *out = fuzz_alloc(NULL, len + 1);
	bool		good = reference_decode(s, len, is_form, out) >= 0;

	free(out);
	return good;
}

/* ---------- queries and forms ---------- */

/* Where a byte is in a part of the text, or the part's end. */
static size_t
place_of(const char *s, size_t from, size_t end, char c)
{
	while (from < end && s[from] != c)
		from++;
	return from;
}

/* Go through the text part by part; true if it has what was read, or is refused for a reason. */
static bool
has_parameters(const char *s, size_t len, bool good, const HttpParameters *params)
{
	int			n = 0;

	for (size_t start = 0; start < len;)
	{
		size_t		end = place_of(s, start, len, '&');
		size_t		equals = place_of(s, start, end, '=');
		size_t		value = equals < end ? equals + 1 : end;

		if (equals > start || value < end)
		{
			bool		decodable = is_decodable(s + start, equals - start, true) && is_decodable(s + value, end - value, true);

			if (n == HTTP_PARAMETERS_MAX || !decodable)
				return !good;
			if (good && !(n < params->count && decodes_to(s + start, equals - start, true, params->items[n].name) &&
						  decodes_to(s + value, end - value, true, params->items[n].value)))
				return false;
			n++;
		}
		start = end + 1;
	}
	return good && n == params->count;
}

/* The same again, with every byte encoded. */
static void
check_written(const HttpParameters *params, size_t len)
{
	char	   *text = fuzz_alloc(NULL, len * 3 + (size_t) params->count * 2 + 1);
	char	   *room;
	size_t		n = 0;
	HttpParameters *again = fuzz_alloc(NULL, sizeof(HttpParameters));

	for (int i = 0; i < params->count; i++)
	{
		for (size_t j = 0; j < params->items[i].name.len; j++)
			n += (size_t) sprintf(text + n, "%%%02X", (unsigned char) params->items[i].name.data[j]);
		text[n++] = '=';
		for (size_t j = 0; j < params->items[i].value.len; j++)
			n += (size_t) sprintf(text + n, "%%%02x", (unsigned char) params->items[i].value.data[j]);
		text[n++] = '&';
	}
	room = fuzz_alloc(NULL, n);
	CHECK(http_read_parameters((Str) {text, n}, room, again));
	CHECK(again->count <= params->count);
	for (int i = 0, j = 0; i < params->count; i++)
	{
		/* "%3D" alone has a name; what has neither cannot be written */
		if (params->items[i].name.len == 0 && params->items[i].value.len == 0)
			continue;
		CHECK(j < again->count && str_equal(params->items[i].name, again->items[j].name) && str_equal(params->items[i].value, again->items[j].value));
		j++;
	}
	free(again);
	free(room);
	free(text);
}

static void
check_parameters(Str text)
{
	char	   *room = fuzz_alloc(NULL, text.len);
	HttpParameters *params = fuzz_alloc(NULL, sizeof(HttpParameters));
	bool		good = http_read_parameters(text, room, params);

	CHECK(has_parameters(text.data, text.len, good, params));
	if (good)
		check_written(params, text.len);
	free(params);
	free(room);
}

/* ---------- paths ---------- */

static void
check_path(Str path)
{
	char	   *room = fuzz_alloc(NULL, path.len);
	HttpParameters *params = fuzz_alloc(NULL, sizeof(HttpParameters));

	if (http_path_is_good(path))
	{
		CHECK(path.data[0] == '/' && str_is_printable_ascii(path));
		CHECK(memchr(path.data, ' ', path.len) == NULL && memchr(path.data, '?', path.len) == NULL && memchr(path.data, '#', path.len) == NULL);
		CHECK(http_read_path(str_of("/{rest+}"), path, room, params) == is_decodable(path.data + 1, path.len - 1, false));
		if (is_decodable(path.data + 1, path.len - 1, false))
			CHECK(params->count == 1 && str_is(params->items[0].name, "rest") &&
				  decodes_to(path.data + 1, path.len - 1, false, params->items[0].value));
	}
	/* it is for paths that match, but must bear any */
	(void) http_read_path(str_of("/a/{b}/{c}/d/{e+}"), path, room, params);
	free(params);
	free(room);
}

/* ---------- header fields ---------- */

static bool
contains(Str s, const char *part)
{
	for (size_t i = 0; i + strlen(part) <= s.len; i++)
	{
		if (memcmp(s.data + i, part, strlen(part)) == 0)
			return true;
	}
	return false;
}

static void
check_authorization(Str value)
{
	char	   *room = fuzz_alloc(NULL, value.len);
	HttpAuthorization a = http_read_authorization(value, room);
	char	   *again;
	char	   *pair;
	size_t		len;

	CHECK(a.scheme != HTTP_SCHEME_NONE);
	CHECK((a.scheme == HTTP_SCHEME_BASIC) == (a.user.data != NULL) && (a.scheme == HTTP_SCHEME_BASIC) == (a.password.data != NULL));
	CHECK((a.scheme == HTTP_SCHEME_BEARER || a.scheme == HTTP_SCHEME_DPOP) == (a.token.data != NULL));
	if (a.token.data != NULL)
	{
		CHECK(a.token.len > 0 && str_is_printable_ascii(a.token));
		CHECK(memchr(a.token.data, ' ', a.token.len) == NULL && memchr(a.token.data, ',', a.token.len) == NULL);
	}
	if (a.scheme == HTTP_SCHEME_BASIC)
	{
		/* there is one way to write a pair */
		len = a.user.len + 1 + a.password.len;
		pair = fuzz_alloc(NULL, len + 1);
		memcpy(pair, a.user.data, a.user.len);
		pair[a.user.len] = ':';
		memcpy(pair + a.user.len + 1, a.password.data, a.password.len);
		CHECK(memchr(a.user.data, ':', a.user.len) == NULL && reference_is_utf8((uint8_t *) pair, len));
		again = fuzz_alloc(NULL, sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL));
		sodium_bin2base64(again, sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL), (unsigned char *) pair, len, sodium_base64_VARIANT_ORIGINAL);
		CHECK(contains(value, again));
		free(again);
		free(pair);
	}
	free(room);
}

static void
check_words(Str s)
{
	bool		token = s.len > 0;
	bool		value = true;

	for (size_t i = 0; i < s.len; i++)
	{
		unsigned char c = (unsigned char) s.data[i];

		token &= c > ' ' && c < 0x7F && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
		value &= c == '\t' || (c >= ' ' && c < 0x7F);
	}
	CHECK(http_is_token(s) == token);
	CHECK(http_is_field_value(s) == value);
}

/* What accepts nothing more accepts JSON as soon as everything is accepted as well. */
static void
check_media(Str s)
{
	char	   *text = fuzz_alloc(NULL, s.len + 5);

	memcpy(text, s.data, s.len);
	memcpy(text + s.len, ", */*", 5);
	CHECK(http_accepts_json((Str) {text, s.len + 5}));
	memcpy(text + s.len, ",a/b ", 5);
	if (memchr(s.data, '/', s.len) != NULL)
		CHECK(http_accepts_json((Str) {text, s.len + 5}) == http_accepts_json(s));
	if (http_media_of(s, s) == HTTP_MEDIA_JSON)
		CHECK(s.len >= strlen("+json"));
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);
	Str			input = {copy, size};

	check_parameters(input);
	check_path(input);
	check_authorization(input);
	check_words(input);
	check_media(input);
	free(copy);
	return 0;
}
