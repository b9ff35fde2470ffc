/*
 * fuzz_shipment.c
 *		Counts that come from elsewhere, of shipment_core.c.
 *
 * Any bytes are taken or refused.  What is taken has only fields that a server could
 * have counted itself, and adds up without an overflow.  A shipment of one row that is
 * right is taken, and is refused when it is cut.  (The CRC is checked before, outside.)
 */
#include "decide/decide_core.h"
#include "fuzz.h"
#include "meter/latency_core.h"
#include "ship/shipment_core.h"

#define FIRST_MINUTE	(1440 * 1000)
#define LAST_MINUTE		(1440 * 9000)

static void
check_taken(const MeterRow *row)
{
	const MeterKey *key = &row->key;
	const MeterValue *value = &row->value;

	CHECK(value->count > 0 && value->count <= INT64_MAX && value->sum <= INT64_MAX);
	CHECK(key->minute >= FIRST_MINUTE && key->minute <= LAST_MINUTE);
	CHECK(key->secret_version >= 0);
	if (key->kind == METER_CALL)
	{
		CHECK(key->code < VERDICT_CODES && key->bin <= 1);
		CHECK(key->bin == 0 || (key->code == VERDICT_VALID && value->sum > 0));
		CHECK(value->max < ((uint64_t) LAST_MINUTE + 1) * 60000000);
	}
	else
	{
		CHECK(key->kind == METER_RESPONSE);
		CHECK(key->code <= OUTCOME_SERVER_ERROR && key->bin < LATENCY_BINS);
		CHECK(value->min <= value->max && value->max <= (uint64_t) LATENCY_MAX);
		CHECK((double) value->sum >= (double) value->min * (double) value->count * 0.999999);
		CHECK((double) value->sum <= (double) value->max * (double) value->count * 1.000001);
	}
}

/* The bytes as they are. */
static void
check_bytes(const uint8_t *bytes, size_t len)
{
	char	   *data = fuzz_copy(bytes, len);
	size_t		n = 0;
	uint64_t	calls = 0;
	uint64_t	sum = 0;

	if (shipment_check(data, len, FIRST_MINUTE, LAST_MINUTE, &n) == NULL)
	{
		CHECK(len == sizeof(MeterHeader) + n * sizeof(MeterRow) && n <= SHIPMENT_MAX_ROWS);
		for (size_t i = 0; i < n; i++)
		{
			MeterRow	row = shipment_row(data, i);

			check_taken(&row);
			calls += row.value.count;
			sum += row.value.sum;
			CHECK(calls <= INT64_MAX && sum <= INT64_MAX);
		}
	}
	free(data);
}

/* A row as a server would count it. */
static MeterRow
right_row(FuzzInput *in)
{
	MeterRow	row = {.value.count = 1 + fuzz_byte(in)};

	row.key.minute = FIRST_MINUTE + 1440 * (int32_t) fuzz_byte(in);
	row.key.app_id[0] = row.key.product_id[0] = 1;
	if (fuzz_below(in, 2) == 0)
	{
		row.key.kind = METER_CALL;
		row.key.code = (uint8_t) fuzz_below(in, VERDICT_CODES);
		row.key.credential_id[15] = 1;
		row.key.secret_version = 1 + (int32_t) fuzz_byte(in);
		memset(row.key.environment, 'e', fuzz_below(in, METER_ENVIRONMENT_LEN + 1));
		row.value.sum = row.key.code == VERDICT_VALID ? fuzz_byte(in) : 0;
		row.value.max = (uint64_t) row.key.minute * 60000000 + 1000000 * fuzz_below(in, 60);
	}
	else
	{
		uint64_t	latency = fuzz_byte(in) * UINT64_C(1000);

		row.key.kind = METER_RESPONSE;
		row.key.code = (uint8_t) fuzz_below(in, OUTCOME_SERVER_ERROR + 1);
		row.key.bin = (uint16_t) latency_bin(latency);
		row.value.min = row.value.max = latency;
		row.value.sum = latency * row.value.count;
	}
	return row;
}

static void
check_right(FuzzInput *in)
{
	struct
	{
		MeterHeader header;
		MeterRow	rows[2];
	}			shipment = {{METER_MAGIC, sizeof(MeterRow)}, {right_row(in), right_row(in)}};
	size_t		cut = 1 + (fuzz_byte(in) << 8 | fuzz_byte(in)) % (sizeof(shipment) - 1);
	size_t		n = 0;

	CHECK(shipment_check(&shipment, sizeof(shipment), FIRST_MINUTE, LAST_MINUTE, &n) == NULL);
	CHECK(n == 2);
	if ((sizeof(shipment) - cut - sizeof(MeterHeader)) % sizeof(MeterRow) != 0 ||
		cut > sizeof(shipment) - sizeof(MeterHeader))
		CHECK(shipment_check(&shipment, sizeof(shipment) - cut, FIRST_MINUTE, LAST_MINUTE, &n) != NULL);
	/* any byte of a row may be another: then it is refused, or right all the same */
	((uint8_t *) shipment.rows)[cut % sizeof(shipment.rows)] ^= (uint8_t) fuzz_byte(in);
	check_bytes((const uint8_t *) &shipment, sizeof(shipment));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	in = {data, size};

	check_bytes(data, size);
	check_right(&in);
	return 0;
}
