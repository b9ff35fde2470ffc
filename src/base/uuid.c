/*
 * uuid.c
 *		Time-ordered UUIDs (RFC 9562, version 7), and those that people type.
 *
 * 48 bits of milliseconds, then 12 bits of their fraction (method 3 of section
 * 6.2), then random.  Within a backend they ascend strictly, also when the
 * clock stands still or jumps back.  (PostgreSQL has its own from 18 on; one
 * source for all majors keeps the column defaults the same.)
 */
#include "postgres.h"

#include <ctype.h>
#include <time.h>

#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/uuid.h"

PG_FUNCTION_INFO_V1(devapp_uuid_v7);
PG_FUNCTION_INFO_V1(devapp_reference_uuid);

#define NS_PER_MS	INT64CONST(1000000)
/* the least step that changes the 12 bits of fraction: 1 ms / 4096, rounded up */
#define NS_STEP		((NS_PER_MS >> 12) + 1)

#define UUID_RANDOM_BYTES	8

static int64
ascending_time(void)
{
	static int64 last = 0;
	struct timespec ts;
	int64		now;

	clock_gettime(CLOCK_REALTIME, &ts);
	now = (int64) ts.tv_sec * 1000 * NS_PER_MS + ts.tv_nsec;
	if (now < last + NS_STEP)
		now = last + NS_STEP;
	last = now;
	return now;
}

/* The two bits that all UUIDs have alike; they are the first of the random half. */
void
uuid_set_variant(pg_uuid_t *uuid)
{
	uuid->data[8] = (uuid->data[8] & 0x3F) | 0x80;
}

/*
 * The random half.  The generator is asked for those of many at once, because asking takes
 * longer than all else.  A forked process does not go on with what its parent has left.
 */
static bool
take_random_half(unsigned char *to)
{
	static unsigned char pool[64 * UUID_RANDOM_BYTES];
	static size_t left = 0;
	static int	owner = 0;

	if (left == 0 || owner != MyProcPid)
	{
		left = 0;
		if (!pg_strong_random(pool, sizeof(pool)))
			return false;
		left = sizeof(pool);
		owner = MyProcPid;
	}
	left -= UUID_RANDOM_BYTES;
	memcpy(to, pool + left, UUID_RANDOM_BYTES);
	return true;
}

/* False if there is no randomness. */
bool
uuid_make_v7(pg_uuid_t *uuid)
{
	int64		now = ascending_time();
	uint64		ms = (uint64) (now / NS_PER_MS);
	uint32		fraction = (uint32) ((now % NS_PER_MS) * 4096 / NS_PER_MS);

	if (!take_random_half(uuid->data + UUID_LEN - UUID_RANDOM_BYTES))
		return false;
	for (int i = 0; i < 6; i++)
		uuid->data[i] = (unsigned char) (ms >> (8 * (5 - i)));
	uuid->data[6] = (unsigned char) (0x70 | (fraction >> 8));
	uuid->data[7] = (unsigned char) (fraction & 0xFF);
	uuid_set_variant(uuid);
	return true;
}

/* The same, with an error if there is no randomness. */
void
uuid_require_v7(pg_uuid_t *uuid)
{
	if (!uuid_make_v7(uuid))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
}

Datum
devapp_uuid_v7(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));

	uuid_require_v7(uuid);
	PG_RETURN_UUID_P(uuid);
}

/* As uuid_out() writes it, which takes ten times as long. */
char *
uuid_text(const pg_uuid_t *uuid)
{
	static const char digits[] = "0123456789abcdef";
	char	   *s = palloc(2 * UUID_LEN + 4 + 1);
	char	   *p = s;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[uuid->data[i] >> 4];
		*p++ = digits[uuid->data[i] & 0x0F];
	}
	*p = '\0';
	return s;
}

/* ---------- typed ---------- */

/* A hyphen may stand where a UUID has one. */
static bool
is_hyphen_place(const char *s, size_t i, int ndigits)
{
	return s[i] == '-' && s[i - 1] != '-' &&
		(ndigits == 8 || ndigits == 12 || ndigits == 16 || ndigits == 20);
}

/* The digits of a UUID, with hyphens at their places or without.  False, and no error, for anything else. */
bool
uuid_parse(Str s, pg_uuid_t *uuid)
{
	int			n = 0;

	memset(uuid, 0, sizeof(pg_uuid_t));
	for (size_t i = 0; i < s.len; i++)
	{
		unsigned char c = (unsigned char) s.data[i];

		if (i > 0 && is_hyphen_place(s.data, i, n))
			continue;
		if (n == 2 * UUID_LEN || !isxdigit(c))
			return false;
		uuid->data[n / 2] = (unsigned char) (uuid->data[n / 2] << 4 |
											 (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10));
		n++;
	}
	return n == 2 * UUID_LEN;
}

/* The same with blanks around it. */
bool
uuid_parse_typed(Str s, pg_uuid_t *uuid)
{
	for (; s.len > 0 && scanner_isspace(s.data[0]); s.len--)
		s.data++;
	while (s.len > 0 && scanner_isspace(s.data[s.len - 1]))
		s.len--;
	return uuid_parse(s, uuid);
}

/* SQL: the id that a text is, with or without hyphens and with blanks around it; else null */
Datum
devapp_reference_uuid(PG_FUNCTION_ARGS)
{
	text	   *typed = PG_GETARG_TEXT_PP(0);
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));

	if (!uuid_parse_typed((Str) {VARDATA_ANY(typed), VARSIZE_ANY_EXHDR(typed)}, uuid))
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(uuid);
}
