/*
 * gateway_core.c
 *		What a gateway says to /auth, and how it is answered.  Needs no backend.
 *
 * A gateway says who it is and what it wants to know in one header field:
 *
 *		X-Devapp-Gateway: KEY; environment=prod; scope="orders:read OR orders:write"
 *
 * The parameters stand beside the key because that is the one field that no client can send: it
 * does not know the key, and the gateway's own field replaces what a client sends under that name.
 * The query of /auth would not do: some gateways put the client's own query there.
 *
 * What is decoded is never longer than it was, so the caller brings room for as many bytes as
 * it hands over, and nothing is allocated here.  Only gateway_encode_value() makes more: three
 * bytes of one.
 */
#include "api/gateway_core.h"

#include "api/http_core.h"

/* ---------- X-Devapp-Gateway ---------- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static Str
skip_space(Str s)
{
	while (s.len > 0 && is_space(s.data[0]))
		s = (Str) {s.data + 1, s.len - 1};
	return s;
}

static Str
cut_space(Str s)
{
	s = skip_space(s);
	while (s.len > 0 && is_space(s.data[s.len - 1]))
		s.len--;
	return s;
}

/* The key, which ends at the first semicolon.  Whatever follows it are parameters. */
Str
gateway_field_key(Str field)
{
	const char *end = field.len > 0 ? memchr(field.data, ';', field.len) : NULL;

	if (end != NULL)
		field.len = (size_t) (end - field.data);
	return cut_space(field);
}

/* What follows the key: nothing, or a semicolon and parameters. */
Str
gateway_field_options(Str field)
{
	const char *end = field.len > 0 ? memchr(field.data, ';', field.len) : NULL;

	return end != NULL ? (Str) {end, field.len - (size_t) (end - field.data)} : (Str) {"", 0};
}

static bool
is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static Str
read_name(Str *rest)
{
	Str			name = {rest->data, 0};

	while (name.len < rest->len && is_name_character(rest->data[name.len]))
		name.len++;
	*rest = (Str) {rest->data + name.len, rest->len - name.len};
	return name;
}

/* Within quotes a backslash makes the next character an ordinary one.  False: they do not end. */
static bool
read_quoted(Str *rest, char **room, Str *value)
{
	char	   *to = *room;
	size_t		i = 1;

	while (i < rest->len && rest->data[i] != '"')
	{
		if (rest->data[i] == '\\')
			i++;
		if (i < rest->len)
			*to++ = rest->data[i++];
	}
	if (i >= rest->len)
		return false;
	*value = (Str) {*room, (size_t) (to - *room)};
	*room = to;
	*rest = (Str) {rest->data + i + 1, rest->len - i - 1};
	return true;
}

/*
 * A value without quotes ends at a semicolon.  False if a comma is in it: there a server joins
 * two fields of one name, of which the other may be a client's.
 */
static bool
read_plain(Str *rest, Str *value)
{
	const char *end = rest->len > 0 ? memchr(rest->data, ';', rest->len) : NULL;
	size_t		len = end != NULL ? (size_t) (end - rest->data) : rest->len;

	*value = cut_space((Str) {rest->data, len});
	*rest = (Str) {rest->data + len, rest->len - len};
	return value->len == 0 || memchr(value->data, ',', value->len) == NULL;
}

static bool
read_value(Str *rest, char **room, Str *value)
{
	*rest = skip_space(*rest);
	if (!(rest->len > 0 && rest->data[0] == '"' ? read_quoted(rest, room, value) : read_plain(rest, value)))
		return false;
	*rest = skip_space(*rest);
	return rest->len == 0 || rest->data[0] == ';';
}

static bool
read_cost(Str value, int64_t *cost)
{
	*cost = 0;
	for (size_t i = 0; i < value.len; i++)
	{
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		*cost = *cost * 10 + (value.data[i] - '0');
		if (*cost > GATEWAY_COST_MAX)
			return false;
	}
	return value.len > 0;
}

/* ---------- the fields of the answer ---------- */

/* Without "X-Devapp-", in the order of GatewayField. */
static const char *const field_names[GATEWAY_FIELDS] = {
	"status", "fault", "app-id", "app", "owner", "credential-id", "consumer-key", "environment", "product",
	"scopes", "ratelimit"
};

static bool
is_between_names(char c)
{
	return is_space(c) || c == ',';
}

/* The next name of a list, which commas and spaces separate; empty: there is none. */
static Str
next_field_name(Str *rest)
{
	Str			name;

	while (rest->len > 0 && is_between_names(rest->data[0]))
		*rest = (Str) {rest->data + 1, rest->len - 1};
	name = (Str) {rest->data, 0};
	while (name.len < rest->len && !is_between_names(name.data[name.len]))
		name.len++;
	*rest = (Str) {rest->data + name.len, rest->len - name.len};
	return name;
}

/* GATEWAY_FIELDS: there is no field of that name. */
static GatewayField
field_of(Str name)
{
	int			i = 0;

	while (i < GATEWAY_FIELDS && !str_is(name, field_names[i]))
		i++;
	return (GatewayField) i;
}

/* False if a name is unknown, or is there twice. */
static bool
read_field_names(Str names, uint32_t *fields)
{
	Str			name;

	*fields = 0;
	while ((name = next_field_name(&names)).len > 0)
	{
		GatewayField field = field_of(name);

		if (field == GATEWAY_FIELDS || (*fields & UINT32_C(1) << field) != 0)
			return false;
		*fields |= UINT32_C(1) << field;
	}
	return true;
}

/* ---------- options ---------- */

/* Which names a list of options has: a bit each. */
enum
{
	HAS_COST = 1, HAS_BUSY = 2
};

static Str *
text_option(GatewayOptions *out, Str name)
{
	struct
	{
		const char *name;
		Str		   *value;
	}			texts[] = {
		{"environment", &out->environment},
		{"proxy", &out->proxy},
		{"scope", &out->scope},
		{"audience", &out->audience},
		{"client", &out->client},
		{"header", &out->header},
		{"query", &out->query},
		{"fields", &out->field_names},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if (str_is(name, texts[i].name))
			return texts[i].value;
	}
	return NULL;
}

static GatewayError
set_option(GatewayOptions *out, unsigned *has, Str name, Str value)
{
	Str		   *text = text_option(out, name);
	unsigned	bit = str_is(name, "cost") ? HAS_COST : str_is(name, "busy") ? HAS_BUSY : 0;

	if (text == NULL && bit == 0)
		return GATEWAY_UNKNOWN_NAME;
	if (text != NULL ? text->data != NULL : (*has & bit) != 0)
		return GATEWAY_TWICE;
	*has |= bit;
	if (bit == HAS_COST)
		return read_cost(value, &out->cost) ? GATEWAY_OK : GATEWAY_BAD_VALUE;
	if (bit == HAS_BUSY)
	{
		out->busy_is_403 = str_is(value, "403");
		return out->busy_is_403 ? GATEWAY_OK : GATEWAY_BAD_VALUE;
	}
	*text = value;
	if (text == &out->field_names && !read_field_names(value, &out->fields))
		return GATEWAY_BAD_FIELD;
	return GATEWAY_OK;
}

/*
 * Read what follows the key: "; name=value; name="another value"".  The first semicolon may be
 * missing.  Room is for options.len bytes; what is read points there or into options.
 */
GatewayError
gateway_read_options(Str options, char *room, GatewayOptions *out)
{
	unsigned	has = 0;

	*out = (GatewayOptions) {.cost = 1, .fields = GATEWAY_ALL_FIELDS};
	for (;;)
	{
		Str			name;
		Str			value;
		GatewayError error;

		while (options.len > 0 && (is_space(options.data[0]) || options.data[0] == ';'))
			options = (Str) {options.data + 1, options.len - 1};
		if (options.len == 0)
			return GATEWAY_OK;
		name = read_name(&options);
		options = skip_space(options);
		if (name.len == 0 || options.len == 0 || options.data[0] != '=')
			return GATEWAY_MALFORMED;
		options = (Str) {options.data + 1, options.len - 1};
		if (!read_value(&options, &room, &value))
			return GATEWAY_MALFORMED;
		error = set_option(out, &has, name, value);
		if (error != GATEWAY_OK)
			return error;
	}
}

/* ---------- a key in a query ---------- */

static Str
next_part(Str *rest, char c)
{
	const char *end = rest->len > 0 ? memchr(rest->data, c, rest->len) : NULL;
	Str			part = *rest;

	if (end == NULL)
		*rest = (Str) {rest->data + rest->len, 0};
	else
	{
		part.len = (size_t) (end - rest->data);
		*rest = (Str) {end + 1, rest->len - part.len - 1};
	}
	return part;
}

/*
 * The value of the parameter of that name.  Whatever else the query has is for the client's
 * server, and need not have any form.  Room is for query.len bytes.
 */
GatewayParameter
gateway_find_parameter(Str query, Str name, char *room, Str *value)
{
	GatewayParameter result = GATEWAY_PARAMETER_NONE;

	while (query.len > 0)
	{
		Str			part = next_part(&query, '&');
		HttpParameters one;
		bool		readable = http_read_parameters(part, room, &one);

		if (!readable)
		{
			/* is it of that name, with a value that cannot be decoded? */
			part = next_part(&part, '=');
			if (!http_read_parameters(part, room, &one) || one.count == 0 ||
				!str_equal(one.items[0].name, name))
				continue;
			return GATEWAY_PARAMETER_BROKEN;
		}
		if (one.count == 0 || !str_equal(one.items[0].name, name))
			continue;
		if (result != GATEWAY_PARAMETER_NONE)
			return GATEWAY_PARAMETER_BROKEN;
		result = GATEWAY_PARAMETER_FOUND;
		*value = one.items[0].value;
		room += part.len;
	}
	return result;
}

/* ---------- values of fields ---------- */

static bool
is_plain_at(Str s, size_t i)
{
	char		c = s.data[i];

	if (c == ' ')
		return i > 0 && i + 1 < s.len;
	return c > ' ' && c <= '~' && c != '%';
}

/* Can it be the value of a field as it is? */
bool
gateway_value_is_plain(Str value)
{
	for (size_t i = 0; i < value.len; i++)
	{
		if (!is_plain_at(value, i))
			return false;
	}
	return true;
}

/*
 * As the value of a field: what is not printable ASCII, a '%', and a space at either end become
 * "%XX", so whoever decodes it has what it was.  Room is for three times its length; returned is
 * how much of it is used.
 */
size_t
gateway_encode_value(Str value, char *room)
{
	static const char digits[] = "0123456789ABCDEF";
	char	   *to = room;

	for (size_t i = 0; i < value.len; i++)
	{
		unsigned char byte = (unsigned char) value.data[i];

		if (is_plain_at(value, i))
			*to++ = value.data[i];
		else
		{
			*to++ = '%';
			*to++ = digits[byte >> 4];
			*to++ = digits[byte & 15];
		}
	}
	return (size_t) (to - room);
}
