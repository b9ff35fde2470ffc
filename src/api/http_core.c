/*
 * http_core.c
 *		What a request over HTTP is made of: path, query and form, header fields.
 *		Needs no backend.
 *
 * This reads what strangers send, so it refuses what two readers could understand
 * differently: a '%' without two hex digits, bytes that are not UTF-8, a zero, the paths that
 * path_core.c describes.  Whatever is decoded is no longer than it was, so the caller brings
 * room for as many bytes as it hands over, and nothing is allocated here.
 */
#include "api/http_core.h"

#include <sodium.h>

#include "base/utf8.h"
#include "match/path_core.h"

/* ---------- percent-encoding ---------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Decode a name or value to *room, which then points behind it.  In forms and queries a '+' is
 * a space.
 */
static bool
decode_text(Str in, bool plus_is_space, char **room, Str *out)
{
	char	   *to = *room;

	for (size_t i = 0; i < in.len; i++)
	{
		char		c = in.data[i];

		if (c == '%')
		{
			int			high = i + 2 < in.len ? hex_digit(in.data[i + 1]) : -1;
			int			low = high >= 0 ? hex_digit(in.data[i + 2]) : -1;

			if (low < 0)
				return false;
			c = (char) (high * 16 + low);
			i += 2;
		}
		else if (c == '+' && plus_is_space)
			c = ' ';
		*to++ = c;
	}
	*out = (Str) {*room, (size_t) (to - *room)};
	*room = to;
	return utf8_is_valid(*out);
}

/* What stands before the next c, or before the end; *rest is what follows it. */
static Str
cut_before(Str *rest, char c)
{
	const char *found = rest->len > 0 ? memchr(rest->data, c, rest->len) : NULL;
	Str			part = *rest;

	if (found == NULL)
		*rest = (Str) {rest->data + rest->len, 0};
	else
	{
		part.len = (size_t) (found - rest->data);
		*rest = (Str) {found + 1, rest->len - part.len - 1};
	}
	return part;
}

static HttpParameter *
add_parameter(HttpParameters *params)
{
	return params->count < HTTP_PARAMETERS_MAX ? &params->items[params->count++] : NULL;
}

/*
 * The parameters of a query, or of a form in its body.  Room is for text.len bytes.  False if
 * they are malformed, or too many.
 */
bool
http_read_parameters(Str text, char *room, HttpParameters *params)
{
	params->count = 0;
	while (text.len > 0)
	{
		Str			value = cut_before(&text, '&');
		Str			name = cut_before(&value, '=');
		HttpParameter *param;

		if (name.len == 0 && value.len == 0)
			continue;
		param = add_parameter(params);
		if (param == NULL || !decode_text(name, true, &room, &param->name) ||
			!decode_text(value, true, &room, &param->value))
			return false;
	}
	return true;
}

/* One value in the encoding of forms.  Room is for text.len bytes.  False if it is malformed. */
bool
http_read_form_value(Str text, char *room, Str *value)
{
	return decode_text(text, true, &room, value);
}

/* ---------- the path ---------- */

/* Does it have the form of a path that may be sent, and one meaning only? */
bool
http_path_is_good(Str path)
{
	if (path.len == 0 || path.data[0] != '/' || !str_is_printable_ascii(path) ||
		memchr(path.data, ' ', path.len) != NULL || memchr(path.data, '?', path.len) != NULL)
		return false;
	return path_is_safe(path.data, path.len);
}

static bool
is_template(Str segment)
{
	return segment.len > 2 && segment.data[0] == '{';
}

/* The name in "{name}" or "{name+}". */
static Str
template_name(Str segment, bool *greedy)
{
	*greedy = segment.data[segment.len - 2] == '+';
	return (Str) {segment.data + 1, segment.len - 2 - *greedy};
}

/*
 * What the templates of a pattern stand for in a path that it matches.  Room is for path.len
 * bytes.  False if what they stand for is malformed.
 */
bool
http_read_path(Str pattern, Str path, char *room, HttpParameters *params)
{
	params->count = 0;
	while (pattern.len > 0)
	{
		Str			template = cut_before(&pattern, '/');
		Str			rest = path;
		Str			segment = cut_before(&path, '/');
		bool		greedy;
		HttpParameter *param;

		if (!is_template(template))
			continue;
		param = add_parameter(params);
		if (param == NULL)
			return false;
		param->name = template_name(template, &greedy);
		if (!decode_text(greedy ? rest : segment, false, &room, &param->value))
			return false;
		if (greedy)
			break;
	}
	return true;
}

/* ---------- header fields ---------- */

/* A token of RFC 9110: the name of a field or a method. */
bool
http_is_token(Str s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++)
	{
		char		c = ascii_lower(s.data[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
			(c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return s.len > 0;
}

/* Is it one line of ASCII, so that nothing can follow it that another takes for a field? */
bool
http_is_field_value(Str s)
{
	for (size_t i = 0; i < s.len; i++)
	{
		if ((s.data[i] < ' ' || s.data[i] > '~') && s.data[i] != '\t')
			return false;
	}
	return true;
}

static Str
trim_space(Str s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = (Str) {s.data + 1, s.len - 1};
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool
is_word(Str s, const char *word)
{
	return str_equal_nocase(s, word, strlen(word));
}

static bool
ends_with(Str s, const char *end)
{
	size_t		len = strlen(end);

	return s.len >= len && is_word((Str) {s.data + s.len - len, len}, end);
}

/* ---------- Authorization ---------- */

static HttpAuthorization
read_basic(Str encoded, char *room)
{
	HttpAuthorization broken = {.scheme = HTTP_SCHEME_BROKEN};
	HttpAuthorization basic = {.scheme = HTTP_SCHEME_BASIC};
	const char *end;

	/* libsodium takes some bytes beyond ASCII for digits */
	if (encoded.len == 0 || !str_is_printable_ascii(encoded) ||
		sodium_base642bin((unsigned char *) room, encoded.len, encoded.data, encoded.len, NULL,
						  &basic.password.len, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
		end != encoded.data + encoded.len)
		return broken;
	basic.password.data = room;
	if (!utf8_is_valid(basic.password) || memchr(room, ':', basic.password.len) == NULL)
		return broken;
	basic.user = cut_before(&basic.password, ':');
	return basic;
}

/* A token of Bearer or DPoP: one word, and not the beginning of a second form. */
static bool
is_bearer_token(Str s)
{
	for (size_t i = 0; i < s.len; i++)
	{
		if (s.data[i] <= ' ' || s.data[i] > '~' || s.data[i] == ',' || s.data[i] == '"')
			return false;
	}
	return s.len > 0;
}

/* The value of Authorization; room is for value.len bytes. */
HttpAuthorization
http_read_authorization(Str value, char *room)
{
	HttpAuthorization result = {.scheme = HTTP_SCHEME_BROKEN};
	Str			rest = trim_space(value);
	Str			scheme = cut_before(&rest, ' ');

	rest = trim_space(rest);
	if (is_word(scheme, "basic"))
		return read_basic(rest, room);
	if (!is_bearer_token(rest))
		return result;
	if (is_word(scheme, "bearer"))
		result.scheme = HTTP_SCHEME_BEARER;
	else if (is_word(scheme, "dpop"))
		result.scheme = HTTP_SCHEME_DPOP;
	if (result.scheme != HTTP_SCHEME_BROKEN)
		result.token = rest;
	return result;
}

/* ---------- media types ---------- */

bool
http_is_ascii(Str s)
{
	for (size_t i = 0; i < s.len; i++)
	{
		if ((unsigned char) s.data[i] >= 0x80)
			return false;
	}
	return true;
}

/*
 * Only UTF-8 is read, by any of its names; and what Java's clients declare where all of it is
 * ASCII, which means the same in UTF-8.
 */
static bool
charset_is_read(Str charset, Str body)
{
	if (charset.len >= 2 && charset.data[0] == '"' && charset.data[charset.len - 1] == '"')
		charset = (Str) {charset.data + 1, charset.len - 2};
	if (is_word(charset, "utf-8") || is_word(charset, "utf8") || is_word(charset, "us-ascii"))
		return true;
	return (is_word(charset, "iso-8859-1") || is_word(charset, "windows-1252")) && http_is_ascii(body);
}

static bool
charsets_are_read(Str parameters, Str body)
{
	while (parameters.len > 0)
	{
		Str			value = cut_before(&parameters, ';');
		Str			name = trim_space(cut_before(&value, '='));

		if (is_word(name, "charset") && !charset_is_read(trim_space(value), body))
			return false;
	}
	return true;
}

HttpMedia
http_media_of(Str content_type, Str body)
{
	Str			type = trim_space(cut_before(&content_type, ';'));

	if (type.len == 0)
		return HTTP_MEDIA_NONE;
	if (!charsets_are_read(content_type, body))
		return HTTP_MEDIA_OTHER;
	if (is_word(type, "application/octet-stream"))
		return HTTP_MEDIA_NONE;
	if (is_word(type, "application/x-www-form-urlencoded"))
		return HTTP_MEDIA_FORM;
	if (is_word(type, "application/json") || ends_with(type, "+json"))
		return HTTP_MEDIA_JSON;
	return HTTP_MEDIA_OTHER;
}

/* Is a weight 0? */
static bool
is_refused(Str parameters)
{
	while (parameters.len > 0)
	{
		Str			value = cut_before(&parameters, ';');
		Str			name = trim_space(cut_before(&value, '='));

		value = trim_space(value);
		if (!is_word(name, "q") || value.len == 0)
			continue;
		while (value.len > 0 && (value.data[0] == '0' || value.data[0] == '.'))
			value = (Str) {value.data + 1, value.len - 1};
		return value.len == 0;
	}
	return false;
}

/* May the answer to a request with this Accept be JSON?  An empty one says nothing. */
bool
http_accepts_json(Str accept)
{
	if (trim_space(accept).len == 0)
		return true;
	while (accept.len > 0)
	{
		Str			range = cut_before(&accept, ',');
		Str			type = trim_space(cut_before(&range, ';'));

		if ((is_word(type, "*/*") || is_word(type, "application/*") ||
			 is_word(type, "application/json") || ends_with(type, "+json")) && !is_refused(range))
			return true;
	}
	return false;
}
