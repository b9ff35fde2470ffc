/*
 * shipment_core.c
 *		Counts as bytes, that come from elsewhere.  Needs no backend.
 *
 * A shipment is a header and rows, as they lie in memory: a standby and its primary
 * are of one architecture, and the header tells of another build.  Nothing in the
 * bytes is believed: every field is one that a server could have counted itself,
 * and all counts together don't overflow what they are added up in.
 */
#include "ship/shipment_core.h"

#include <string.h>

#include "decide/decide_core.h"
#include "decide/quota_core.h"
#include "meter/latency_core.h"

#define MINUTES_PER_DAY		1440
#define USECS_PER_MINUTE	UINT64_C(60000000)

static bool
is_zero(const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
	{
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

static bool
has_id(const uint8_t *id)
{
	return !is_zero(id, METER_ID_LEN);
}

/* After its end there are only zeros. */
static bool
environment_is_valid(const char *environment)
{
	const char *end = memchr(environment, 0, METER_ENVIRONMENT_LEN);

	return end == NULL ||
		is_zero(end, (size_t) (environment + METER_ENVIRONMENT_LEN - end));
}

static const char *
check_call(const MeterKey *key, const MeterValue *value)
{
	bool		known = has_id(key->credential_id);

	if (key->code >= VERDICT_CODES)
		return "a verdict is unknown";
	if (key->bin > 1)
		return "a verification has a latency";
	if (key->bin != 0 && (key->code != VERDICT_VALID || value->sum == 0))
		return "a call that costs nothing belongs to a lease";
	if (value->sum != 0 && key->code != VERDICT_VALID)
		return "a refused call has a cost";
	if (value->sum > value->count * (uint64_t) COST_MAX)
		return "a cost is too large";
	if (known != has_id(key->app_id) || known != (key->secret_version > 0) ||
		key->secret_version < 0)
		return "a credential, its app and its version do not match";
	if (has_id(key->operation_id) && !has_id(key->product_id))
		return "an operation has no product";
	if (!environment_is_valid(key->environment))
		return "an environment has bytes after its end";
	if (value->max / USECS_PER_MINUTE != (uint64_t) key->minute)
		return "a last call is outside its minute";
	return NULL;
}

static const char *
check_response(const MeterKey *key, const MeterValue *value)
{
	if (key->code > OUTCOME_SERVER_ERROR)
		return "an outcome is unknown";
	if (key->bin >= LATENCY_BINS)
		return "a latency is out of range";
	if (key->minute % MINUTES_PER_DAY != 0)
		return "a response is not counted by the day";
	if (key->secret_version != 0 || has_id(key->credential_id) ||
		has_id(key->operation_id) ||
		!is_zero(key->environment, METER_ENVIRONMENT_LEN))
		return "a response has more than an app and a product";
	if (value->min > value->max || value->max > (uint64_t) LATENCY_MAX ||
		value->sum / value->count < value->min ||
		value->sum / value->count > value->max ||
		(value->sum / value->count == value->max && value->sum % value->count != 0))
		return "latencies contradict each other";
	return NULL;
}

/* Add, unless the sum does not fit. */
static bool
add_up(uint64_t *total, uint64_t value)
{
	if (value > (uint64_t) INT64_MAX - *total)
		return false;
	*total += value;
	return true;
}

MeterRow
shipment_row(const void *data, size_t i)
{
	MeterRow	row;

	memcpy(&row, (const char *) data + sizeof(MeterHeader) + i * sizeof(MeterRow),
		   sizeof(MeterRow));
	return row;
}

/* What is wrong with a shipment; NULL: nothing, and n is how many rows it has. */
const char *
shipment_check(const void *data, size_t len, int32_t first_minute,
			   int32_t last_minute, size_t *n)
{
	MeterHeader header;
	uint64_t	calls = 0;
	uint64_t	sum = 0;

	if (len < sizeof(header))
		return "it is too short";
	memcpy(&header, data, sizeof(header));
	if (header.magic != METER_MAGIC || header.row_size != sizeof(MeterRow))
		return "it was made by another version of devapp, or is not a shipment";
	if ((len - sizeof(header)) % sizeof(MeterRow) != 0)
		return "it ends within a row";
	*n = (len - sizeof(header)) / sizeof(MeterRow);
	if (*n > SHIPMENT_MAX_ROWS)
		return "it has too many rows";
	for (size_t i = 0; i < *n; i++)
	{
		MeterRow	row = shipment_row(data, i);
		const char *problem;

		if (row.value.count == 0)
			return "a count is zero";
		if (row.value.count > SHIPMENT_MAX_COUNT)
			return "a count is too large";
		if (!add_up(&calls, row.value.count) || !add_up(&sum, row.value.sum))
			return "counts are too large";
		if (row.key.minute < first_minute || row.key.minute > last_minute)
			return "a time is out of range";
		if (row.key.kind == METER_CALL)
			problem = check_call(&row.key, &row.value);
		else if (row.key.kind == METER_RESPONSE)
			problem = check_response(&row.key, &row.value);
		else
			problem = "a kind of row is unknown";
		if (problem != NULL)
			return problem;
	}
	return NULL;
}
