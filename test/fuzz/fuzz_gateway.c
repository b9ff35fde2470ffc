/*
 * fuzz_gateway.c
 *		Fuzz target: what gateways say to /auth.
 *
 * The input is taken as a field X-Devapp-Gateway, as a query and as a value.  What is written of
 * it in a known way must be read as what it was: as a parameter within quotes, as names of
 * fields, as a parameter of a query, as the value of a field.
 */
#include "api/gateway_core.h"
#include "api/http_core.h"
#include "fuzz.h"

#define NAME	"apikey"

static Str
str_of(const char *s)
{
	return (Str) {s, strlen(s)};
}

static bool
lies_in(Str part, const char *data, size_t len)
{
	return part.data >= data && part.data + part.len <= data + len;
}

/* Whatever is read lies in the field or in the room. */
static void
check_field(Str field)
{
	Str			key = gateway_field_key(field);
	Str			options = gateway_field_options(field);
	char	   *room = fuzz_alloc(NULL, options.len + 1);
	GatewayOptions read;
	const Str  *texts[] = {&read.environment, &read.proxy, &read.scope, &read.audience, &read.client, &read.header, &read.query, &read.field_names};

	CHECK(key.len == 0 || (lies_in(key, field.data, field.len) && memchr(key.data, ';', key.len) == NULL));
	CHECK(options.len == 0 || (options.data[0] == ';' && options.data + options.len == field.data + field.len));
	if (gateway_read_options(options, room, &read) == GATEWAY_OK)
	{
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			CHECK(texts[i]->data == NULL || lies_in(*texts[i], field.data, field.len) ||
				  lies_in(*texts[i], room, options.len + 1));
		CHECK(read.cost >= 0 && read.cost <= GATEWAY_COST_MAX);
		CHECK((read.fields & ~GATEWAY_ALL_FIELDS) == 0);
		CHECK(read.field_names.data != NULL || read.fields == GATEWAY_ALL_FIELDS);
	}
	free(room);
}

/* A value within quotes is read as what it was, whatever stands around it. */
static void
check_quoted(Str value)
{
	char	   *field = fuzz_alloc(NULL, value.len * 2 + 64);
	char	   *room = fuzz_alloc(NULL, value.len * 2 + 64);
	size_t		len = (size_t) sprintf(field, "; cost=7; scope = \"");
	GatewayOptions read;

	for (size_t i = 0; i < value.len; i++)
	{
		if (value.data[i] == '"' || value.data[i] == '\\' || (value.data[i] & 1) != 0)
			field[len++] = '\\';
		field[len++] = value.data[i];
	}
	len += (size_t) sprintf(field + len, "\" ;busy=403");
	CHECK(gateway_read_options((Str) {field, len}, room, &read) == GATEWAY_OK);
	CHECK(read.scope.data != NULL && str_equal(read.scope, value));
	CHECK(read.cost == 7 && read.busy_is_403 && read.client.data == NULL);
	free(field);
	free(room);
}

/*
 * Names of fields that are written down are read as those.  The input says which, in which order,
 * and what separates them.
 */
static void
check_fields(Str input)
{
	static const char *const names[] = {"status", "fault", "app-id", "app", "owner", "credential-id", "consumer-key", "environment", "product", "scopes", "ratelimit"};
	static const char *const separators[] = {" ", ",", ", ", " \t,,"};
	char	   *field = fuzz_alloc(NULL, 512);
	char	   *room = fuzz_alloc(NULL, 512);
	size_t		len = (size_t) sprintf(field, "; fields=\"");
	uint32_t	wanted = 0;
	bool		is_good = true;
	GatewayOptions read;

	CHECK(sizeof(names) / sizeof(names[0]) == GATEWAY_FIELDS);
	for (size_t i = 0; i < input.len && i < 20; i++)
	{
		unsigned char byte = (unsigned char) input.data[i];
		unsigned	n = byte % (GATEWAY_FIELDS + 1);

		len += (size_t) sprintf(field + len, "%s%s", n < GATEWAY_FIELDS ? names[n] : "code", separators[byte >> 6]);
		is_good = is_good && n < GATEWAY_FIELDS && (wanted & UINT32_C(1) << n) == 0;
		wanted |= UINT32_C(1) << n;
	}
	field[len++] = '"';
	CHECK(gateway_read_options((Str) {field, len}, room, &read) == (is_good ? GATEWAY_OK : GATEWAY_BAD_FIELD));
	for (unsigned n = 0; n < GATEWAY_FIELDS && is_good; n++)
		CHECK(gateway_wants(&read, (GatewayField) n) == ((wanted & UINT32_C(1) << n) != 0));
	free(field);
	free(room);
}

/* The parameter is found by another reading of the whole query, where that can read it. */
static void
check_query(Str query)
{
	char	   *room = fuzz_alloc(NULL, query.len + 1);
	char	   *whole = fuzz_alloc(NULL, query.len + 1);
	HttpParameters *params = fuzz_alloc(NULL, sizeof(HttpParameters));
	Str			value = {NULL, 0};
	GatewayParameter found = gateway_find_parameter(query, str_of(NAME), room, &value);

	CHECK(found != GATEWAY_PARAMETER_FOUND || lies_in(value, room, query.len + 1));
	if (http_read_parameters(query, whole, params))
	{
		int			n = 0;
		Str			last = {NULL, 0};

		for (int i = 0; i < params->count; i++)
		{
			if (str_equal(params->items[i].name, str_of(NAME)))
			{
				last = params->items[i].value;
				n++;
			}
		}
		CHECK(found == (n == 0 ? GATEWAY_PARAMETER_NONE : n == 1 ? GATEWAY_PARAMETER_FOUND : GATEWAY_PARAMETER_BROKEN));
		CHECK(n != 1 || str_equal(value, last));
	}
	free(room);
	free(whole);
	free(params);
}

static int
hex_value(char c)
{
	const char *digits = "0123456789ABCDEF";
	const char *at = strchr(digits, c);

	CHECK(c != '\0' && at != NULL);
	return (int) (at - digits);
}

/* The value of a field is printable ASCII without spaces at its ends, and decodes to what it was. */
static void
check_value(Str value)
{
	char	   *room = fuzz_alloc(NULL, value.len * 3 + 1);
	size_t		len = gateway_encode_value(value, room);
	size_t		n = 0;

	CHECK(http_is_field_value((Str) {room, len}));
	CHECK(len == 0 || (room[0] != ' ' && room[len - 1] != ' '));
	for (size_t i = 0; i < len; i++, n++)
	{
		char		c = room[i];

		CHECK(n < value.len && c != '\t');
		if (c == '%')
		{
			CHECK(i + 2 < len);
			c = (char) (hex_value(room[i + 1]) * 16 + hex_value(room[i + 2]));
			i += 2;
		}
		CHECK(c == value.data[n]);
	}
	CHECK(n == value.len);
	CHECK(gateway_value_is_plain(value) == (len == value.len));
	free(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);
	Str			input = {copy, size};

	check_field(input);
	check_quoted(input);
	check_fields(input);
	check_query(input);
	check_value(input);
	free(copy);
	return 0;
}
