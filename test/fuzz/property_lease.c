/*
 * property_lease.c
 *		Leases of a quota on random schedules: servers that are killed, connections that
 *		break, reports and answers that come late, twice or never, clocks that jump,
 *		standbys that are promoted, quotas that are reset and changed, and become hard or soft.
 *
 *	property_lease [seconds] [seed] [schedules]
 *
 * A schedule is one bucket, its primary and its standbys.  At all times the calls that a
 * hard quota has let through are at most the limit, and those of a soft one, where nothing
 * is lost, at most what servers may overdraw above it.  When everything works again in the
 * end, what is left is used to the last call.
 *
 * The same seed gives the same schedules.
 */
#include <stdbool.h>
#include <time.h>

#include "fuzz.h"
#include "quota/lease_core.h"

#define MAX_SERVERS		6
#define MAX_RECORDS		64		/* lives of servers */
#define MAX_MESSAGES	32
#define TTL				INT64_C(60)
#define MILLISECOND		INT64_C(1000)

typedef struct Random
{
	uint64_t	state;
} Random;

/* splitmix64 */
static uint64_t
random_next(Random *random)
{
	uint64_t	z = random->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static unsigned
below(Random *random, unsigned n)
{
	return (unsigned) (random_next(random) % n);
}

static bool
one_in(Random *random, unsigned n)
{
	return below(random, n) == 0;
}

/* ---------- the world ---------- */

/* What the primary has of a life of a server. */
typedef struct Record
{
	LeaseRecord record;
	int64_t		expires_at;		/* by the primary's clock */
	int64_t		limit;			/* that it was granted under */
	int64_t		resets;
	bool		hard;
} Record;

typedef struct Server
{
	bool		up;
	bool		connected;
	int			life;			/* its record; a new one after each start */
	int64_t		number;
	int64_t		batch;
	int64_t		waits_for;		/* the batch that is on its way; 0: none */
	int64_t		gives_up_at;
	int64_t		asked_at;
	LeaseAsk	asked;
	bool		has_lease;
	bool		lease_is_hard;
	Lease		lease;
	int64_t		limit;			/* that is replayed here */
	bool		hard;
} Server;

typedef struct Message
{
	int			server;
	int			life;
	int64_t		arrives_at;
	bool		is_answer;
	bool		hard;			/* of the lease */
	LeaseAsk	ask;
	LeaseAnswer answer;
} Message;

typedef struct World
{
	Random		random;
	int64_t		now;			/* microseconds, of all monotonic clocks */
	int64_t		clock;			/* of the primary, ahead of it */
	bool		hard;
	bool		exact;			/* all servers know that it is hard */
	bool		was_soft;
	bool		lossy;			/* there are faults at some time */
	bool		faults;			/* anything may be lost now */
	bool		resets;
	bool		jumped;			/* the primary's clock has */
	bool		quiet;			/* few calls come */
	int			begun;			/* leases: one that was idle for long is another afterwards */
	unsigned	max_cost;
	int			nservers;
	Server		servers[MAX_SERVERS];
	LeaseBook	book;
	int64_t		nresets;
	int			nrecords;
	Record		records[MAX_RECORDS];
	int			nmessages;
	Message		messages[MAX_MESSAGES];
	int64_t		passed;			/* since the last reset */
	int64_t		most;			/* that may pass: the largest limit since then */
} World;

/* ---------- the primary ---------- */

/* Where clocks go evenly, a server has ceased to use what expires. */
static void
check_expired(const World *w, int life)
{
	for (int i = 0; i < w->nservers; i++)
	{
		const Server *s = &w->servers[i];

		if (s->up && s->life == life && s->has_lease && !w->jumped)
			CHECK(w->now >= s->lease.until || s->lease.left <= 0);
	}
}

/* As devapp_internal.settle_lease() does it. */
static LeaseAnswer
settle(World *w, int life, const LeaseAsk *ask, bool hard)
{
	Record	   *r = &w->records[life];
	int64_t		now = w->now + w->clock;
	int64_t		servers = 1;
	LeaseAnswer answer = {.granted = ask->held};

	CHECK(lease_check(ask) == NULL);
	for (int i = 0; i < w->nrecords; i++)
	{
		if (i != life && w->records[i].expires_at > now)
			servers++;
		/* a hard quota's stays reserved: nobody knows what was used */
		else if (i != life && !w->records[i].hard && !w->hard)
		{
			check_expired(w, i);
			lease_give_back(&w->book, &w->records[i].record);
		}
	}
	if (lease_settle(&w->book, &r->record, ask))
	{
		answer.is_void = lease_outstanding(&r->record) > 0 &&
			(r->limit != w->book.limit || r->resets != w->nresets || r->hard != w->hard || hard != w->hard);
		if (!answer.is_void)
		{
			r->limit = w->book.limit;
			r->resets = w->nresets;
			r->hard = w->hard;
		}
		if (!answer.is_void && hard == w->hard)
			lease_grant(&w->book, &r->record, ask, servers);
		r->expires_at = now + TTL * 1000 * MILLISECOND;
		answer.seconds = TTL;
	}
	answer.granted = r->record.granted;
	answer.room = w->book.limit > w->book.used ? w->book.limit - w->book.used : 0;
	answer.free = w->book.limit - w->book.used - w->book.reserved;
	return answer;
}

/* As devapp.reset_quota() does it. */
static void
reset_quota(World *w)
{
	w->book.used = 0;
	w->nresets++;
	for (int i = 0; i < w->nrecords; i++)
	{
		if (w->records[i].expires_at <= w->now + w->clock)
			lease_give_back(&w->book, &w->records[i].record);
	}
	w->passed = 0;
	/* after the limit was lowered, what was lent before it may be more */
	w->most = w->book.limit > w->book.reserved ? w->book.limit : w->book.reserved;
}

/*
 * What may pass in all from here on.  Of a quota that was soft, more may have passed than the
 * primary knows of.
 */
static int64_t
most_from_now(const World *w)
{
	int64_t		left = w->book.limit > w->book.used ? w->book.limit - w->book.used : 0;

	return w->passed + (left > w->book.reserved ? left : w->book.reserved);
}

static void
change_limit(World *w)
{
	w->book.limit = 1 + below(&w->random, 1500);
	if (w->most < w->book.limit)
		w->most = w->book.limit;
	if (w->was_soft && w->most < most_from_now(w))
		w->most = most_from_now(w);
}

static void
change_enforcement(World *w)
{
	w->hard = !w->hard;
	w->was_soft = true;
	w->exact = false;
}

/* From when the last standby has given up what it held of a soft quota, the hard one is exact again. */
static void
look_who_knows(World *w)
{
	for (int i = 0; i < w->nservers; i++)
	{
		const Server *s = &w->servers[i];

		if (s->up && !(s->hard && (!s->has_lease || s->lease_is_hard)))
			return;
	}
	if (!w->exact)
		w->most = most_from_now(w);
	w->exact = true;
}

/* ---------- messages ---------- */

static void
send_message(World *w, Message message)
{
	int			copies = !w->faults ? 1 : one_in(&w->random, 10) ? 0 : one_in(&w->random, 10) ? 2 : 1;

	for (int i = 0; i < copies && w->nmessages < MAX_MESSAGES; i++)
	{
		message.arrives_at = w->now + below(&w->random, 30) * MILLISECOND;
		if (w->faults && one_in(&w->random, 20))
			message.arrives_at += below(&w->random, 90000) * MILLISECOND;
		w->messages[w->nmessages++] = message;
	}
}

static void
take_answer(World *w, Server *s, const Message *m)
{
	/* nobody waits for it any more */
	if (!s->up || s->life != m->life || s->waits_for != m->ask.batch || !s->has_lease)
		return;
	s->waits_for = 0;
	if (!lease_apply(&s->lease, &s->asked, &m->answer, s->asked_at))
		s->has_lease = false;
}

static void
receive_message(World *w, const Message *m)
{
	Server	   *s = &w->servers[m->server];
	Message		answer = *m;

	if (m->is_answer)
	{
		take_answer(w, s, m);
		return;
	}
	answer.is_answer = true;
	answer.answer = settle(w, m->life, &m->ask, m->hard);
	send_message(w, answer);
}

static void
deliver_messages(World *w)
{
	for (int i = 0; i < w->nmessages;)
	{
		Message		m = w->messages[i];

		if (m.arrives_at > w->now)
		{
			i++;
			continue;
		}
		w->messages[i] = w->messages[--w->nmessages];
		receive_message(w, &m);
	}
}

/* ---------- standbys ---------- */

static void
begin_lease(World *w, Server *s)
{
	memset(&s->lease, 0, sizeof(Lease));
	lease_begin(&s->lease, ++s->number, (QuotaWindow) {0, 1}, s->limit, s->hard, w->now);
	s->has_lease = true;
	s->lease_is_hard = s->hard;
	w->begun++;
}

static void
check_passed(const World *w)
{
	int64_t		allowance = w->most / 100 > 1 ? w->most / 100 : 1;

	if (w->hard)
		CHECK(!w->exact || w->passed <= w->most);
	else if (!w->was_soft && !w->lossy && !w->resets)
		CHECK(w->passed <= w->most + w->begun * allowance);
}

static void
make_call(World *w, Server *s)
{
	int64_t		cost = 1 + below(&w->random, w->max_cost);
	bool		wake;

	if (!s->up)
		return;
	if (!s->has_lease)
		begin_lease(w, s);
	if (s->lease.limit != s->limit || s->lease_is_hard != s->hard)
	{
		lease_change_quota(&s->lease, s->limit, s->hard, w->now);
		s->lease_is_hard = s->hard;
	}
	if (lease_take(&s->lease, s->limit, cost, w->now, &wake) == LEASE_TAKEN)
	{
		CHECK(w->now < s->lease.until);
		w->passed += cost;
	}
	check_passed(w);
}

static void
run_shipper(World *w, int number)
{
	Server	   *s = &w->servers[number];
	int64_t		interval = 10000 * MILLISECOND;

	if (s->waits_for != 0 && w->now >= s->gives_up_at)
		s->waits_for = 0;
	if (!s->up || !s->connected || !s->has_lease || s->waits_for != 0 ||
		!lease_is_due(&s->lease, w->now, interval))
		return;
	s->asked = lease_ask(&s->lease, ++s->batch, w->now, interval);
	s->waits_for = s->batch;
	s->asked_at = w->now;
	s->gives_up_at = w->now + 5000 * MILLISECOND;
	send_message(w, (Message) {.server = number, .life = s->life, .hard = s->lease_is_hard, .ask = s->asked});
}

/* All that it knew is gone.  What it sent may still arrive. */
static void
start_server(World *w, Server *s)
{
	if (w->nrecords == MAX_RECORDS)
		return;
	*s = (Server) {.up = true, .connected = true, .life = w->nrecords++, .limit = w->book.limit, .hard = w->hard};
}

/* The standby is the primary, with the rows of that; it tells what it used, and another takes its place. */
static void
promote_server(World *w, Server *s)
{
	LeaseAsk	last;

	if (!s->up || w->nrecords == MAX_RECORDS)
		return;
	if (s->has_lease)
	{
		bool		wake;

		/* it may have been told before, in a transaction that was rolled back or was not */
		for (int i = one_in(&w->random, 3) ? 2 : 1; i > 0; i--)
		{
			last = lease_finish(&s->lease, ++s->batch);
			if (i == 1 || one_in(&w->random, 2))
				(void) lease_settle(&w->book, &w->records[s->life].record, &last);
			CHECK(lease_take(&s->lease, s->lease.limit, 1, w->now, &wake) == LEASE_ENDED);
		}
	}
	start_server(w, s);
}

/* ---------- schedules ---------- */

static void
disturb(World *w)
{
	Server	   *s = &w->servers[below(&w->random, (unsigned) w->nservers)];

	switch (below(&w->random, 7))
	{
		case 0:
			s->up = false;
			break;
		case 1:
			if (!s->up)
				start_server(w, s);
			break;
		case 2:
			s->connected = !s->connected;
			break;
		case 3:
			/* a reset gives back what has expired, so it has to be true that it has */
			if (w->resets)
				break;
			w->clock += ((int64_t) below(&w->random, 400) - 200) * 1000 * MILLISECOND;
			w->jumped = true;
			break;
		case 4:
			promote_server(w, s);
			break;
		case 5:
			w->now += below(&w->random, 90000) * MILLISECOND;
			break;
		default:
			break;
	}
}

static void
administer(World *w)
{
	Server	   *s = &w->servers[below(&w->random, (unsigned) w->nservers)];

	/* quotas change, and that is replayed at some time */
	if (one_in(&w->random, 60))
		reset_quota(w);
	if (one_in(&w->random, 60))
		change_limit(w);
	if (one_in(&w->random, 60))
		change_enforcement(w);
	if (one_in(&w->random, 4))
	{
		s->limit = w->book.limit;
		s->hard = w->hard;
	}
}

static void
check_book(const World *w)
{
	int64_t		outstanding = 0;

	for (int i = 0; i < w->nrecords; i++)
		outstanding += lease_outstanding(&w->records[i].record);
	CHECK(w->book.reserved == outstanding);
	if (!w->resets && w->hard)
		CHECK(w->book.used + w->book.reserved <= w->book.limit);
}

static void
step_world(World *w, unsigned pace)
{
	w->now += below(&w->random, w->quiet && one_in(&w->random, 2) ? 40000 : pace) * MILLISECOND;
	deliver_messages(w);
	for (int i = 0; i < w->nservers; i++)
	{
		unsigned	calls = w->quiet ? one_in(&w->random, 60) : below(&w->random, 4);

		for (unsigned c = 0; c < calls; c++)
			make_call(w, &w->servers[i]);
		run_shipper(w, i);
	}
	if (w->hard)
		look_who_knows(w);
	check_book(w);
}

/* Nothing is disturbed any more, and calls go on everywhere: all is used that no dead server has. */
static void
come_to_rest(World *w)
{
	int64_t		lost = 0;

	w->faults = w->quiet = false;
	w->max_cost = 1;
	for (int i = 0; i < w->nservers; i++)
	{
		Server	   *s = &w->servers[i];

		s->connected = true;
		s->limit = w->book.limit;
		s->hard = w->hard;
	}
	for (int i = 0; i < 6000 && w->book.used < w->book.limit - lost; i++)
	{
		step_world(w, 100);
		lost = w->book.reserved;
		for (int k = 0; k < w->nservers; k++)
		{
			if (w->servers[k].up)
				lost -= lease_outstanding(&w->records[w->servers[k].life].record);
		}
	}
	CHECK(w->book.used >= w->book.limit - lost);
}

static void
run_schedule(uint64_t seed)
{
	static const unsigned paces[] = {2, 20, 200, 2000};
	World		w = {.random = {seed}};
	bool		any_up = false;
	unsigned	steps;
	unsigned	pace;

	w.hard = w.exact = below(&w.random, 4) != 0;
	w.lossy = w.faults = below(&w.random, 4) != 0;
	w.resets = one_in(&w.random, 4);
	w.max_cost = one_in(&w.random, 3) ? 1 + below(&w.random, 20) : 1;
	w.nservers = 1 + (int) below(&w.random, MAX_SERVERS);
	w.book.limit = w.most = 1 + below(&w.random, one_in(&w.random, 4) ? 10 : 1000);
	pace = paces[below(&w.random, 4)];
	steps = 20 + below(&w.random, 150);
	for (int i = 0; i < w.nservers; i++)
		start_server(&w, &w.servers[i]);
	for (unsigned i = 0; i < steps; i++)
	{
		step_world(&w, pace);
		if (w.faults && one_in(&w.random, 8))
			disturb(&w);
		if (w.resets)
			administer(&w);
		if (one_in(&w.random, 40))
			w.quiet = !w.quiet;
	}
	for (int i = 0; i < w.nservers; i++)
		any_up |= w.servers[i].up;
	if (any_up && one_in(&w.random, 4))
		come_to_rest(&w);
}

int
main(int argc, char **argv)
{
	int			seconds = argc > 1 ? atoi(argv[1]) : 10;
	uint64_t	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t	most = argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX;
	time_t		end = time(NULL) + seconds;
	uint64_t	done = 0;

	while (done < most && (most != UINT64_MAX || time(NULL) < end))
		run_schedule(seed + done++);
	printf("seed %llu, %llu checks\n", (unsigned long long) seed, (unsigned long long) done);
	return 0;
}
