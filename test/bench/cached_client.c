/*
 * cached_client.c
 *		The home-made way with a cache in front: a gateway that remembers in its own
 *		memory what the database said of a key, for some seconds, and asks again.
 *
 *	cached_client SECONDS TTL FIRST LAST [ASK]
 *
 * Picks keys FIRST to LAST of bench.key() at random, and at random between this and a
 * statement that does nothing, as pgbench does for the other variants.  Prints the mean
 * microseconds of both, without the slowest tenth of each.  ASK is the query for a key
 * that is not remembered, by default bench.plpgsql().
 *
 * What is remembered is an answer for a digest of key, path, method and environment; so
 * it does not know of a revocation for up to TTL seconds, counts nothing and limits nothing.
 */
#include <libpq-fe.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOM		(1 << 16)	/* entries of the cache, a power of 2 */
#define REQUEST		"/v1/orders/7 GET prod"

typedef struct Entry
{
	unsigned char digest[32];
	double		until;
	int			allowed;
} Entry;

typedef struct Times
{
	double	   *us;
	size_t		n;
	size_t		room;
} Times;

static Entry cache[ROOM];

static double
current_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void
add_time(Times *times, double us)
{
	if (times->n == times->room)
	{
		times->room = times->room ? times->room * 2 : 1024;
		times->us = realloc(times->us, times->room * sizeof(double));
		if (times->us == NULL)
			abort();
	}
	times->us[times->n++] = us;
}

static int
compare_times(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
trimmed_mean(Times *times)
{
	size_t		n = times->n * 9 / 10;
	double		sum = 0;

	qsort(times->us, times->n, sizeof(double), compare_times);
	for (size_t i = 0; i < n; i++)
		sum += times->us[i];
	return n ? sum / n : 0;
}

/* the answer to a prepared statement with the key as its argument */
static int
ask(PGconn *conn, const char *statement, const char *key)
{
	PGresult   *result = PQexecPrepared(conn, statement, 1, &key, NULL, NULL, 0);
	int			allowed;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		fputs(PQerrorMessage(conn), stderr);
		exit(1);
	}
	allowed = PQntuples(result) > 0 && *PQgetvalue(result, 0, 0) == 't';
	PQclear(result);
	return allowed;
}

static int
is_allowed(PGconn *conn, const char *key, double ttl)
{
	crypto_generichash_state state;
	unsigned char digest[32];
	uint32_t	place;
	Entry	   *entry;
	double		now = current_time();

	crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	crypto_generichash_update(&state, (const unsigned char *) key, strlen(key));
	crypto_generichash_update(&state, (const unsigned char *) REQUEST, strlen(REQUEST));
	crypto_generichash_final(&state, digest, sizeof(digest));
	memcpy(&place, digest, sizeof(place));
	entry = &cache[place & (ROOM - 1)];
	if (entry->until < now || memcmp(entry->digest, digest, sizeof(digest)) != 0)
	{
		entry->allowed = ask(conn, "decide", key);
		entry->until = now + ttl;
		memcpy(entry->digest, digest, sizeof(digest));
	}
	return entry->allowed;
}

static void
prepare(PGconn *conn, const char *name, const char *query)
{
	PGresult   *result = PQprepare(conn, name, query, 0, NULL);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		fputs(PQerrorMessage(conn), stderr);
		exit(1);
	}
	PQclear(result);
}

static char **
fetch_keys(PGconn *conn, const char *first, const char *last, int *n)
{
	const char *range[2] = {first, last};
	PGresult   *result = PQexecParams(conn, "SELECT bench.key(i) FROM generate_series($1::bigint, $2::bigint) AS i",
									  2, NULL, range, NULL, NULL, 0);
	char	  **keys;

	*n = PQntuples(result);
	if (*n == 0 || (keys = malloc(*n * sizeof(char *))) == NULL)
	{
		fputs("there are no keys\n", stderr);
		exit(1);
	}
	for (int i = 0; i < *n; i++)
		keys[i] = strdup(PQgetvalue(result, i, 0));
	PQclear(result);
	return keys;
}

int
main(int argc, char **argv)
{
	PGconn	   *conn = PQconnectdb("");
	Times		nothing = {0};
	Times		cached = {0};
	double		until;
	double		ttl;
	char	  **keys;
	int			n;

	if (argc < 5 || sodium_init() < 0 || PQstatus(conn) != CONNECTION_OK)
	{
		fprintf(stderr, "usage: cached_client SECONDS TTL FIRST LAST [ASK]\n%s", PQerrorMessage(conn));
		return 1;
	}
	keys = fetch_keys(conn, argv[3], argv[4], &n);
	prepare(conn, "nothing", "SELECT bench.noop($1, '/v1/orders/7', 'GET', 'prod')");
	prepare(conn, "decide", argc > 5 ? argv[5] : "SELECT bench.plpgsql($1, '/v1/orders/7', 'GET', 'prod')");
	ttl = atof(argv[2]);
	until = current_time() + atof(argv[1]);
	for (double start = current_time(); start < until; start = current_time())
	{
		const char *key = keys[randombytes_uniform((uint32_t) n)];
		int			is_nothing = randombytes_uniform(2) == 0;

		start = current_time();
		if (!(is_nothing ? ask(conn, "nothing", key) : is_allowed(conn, key, ttl)))
		{
			fputs("a key was refused\n", stderr);
			return 1;
		}
		add_time(is_nothing ? &nothing : &cached, (current_time() - start) * 1e6);
	}
	printf("%.3f %.3f\n", trimmed_mean(&nothing), trimmed_mean(&cached));
	PQfinish(conn);
	return 0;
}
