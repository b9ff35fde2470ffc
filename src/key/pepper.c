/*
 * pepper.c
 *		The keys of the digests.
 *
 * A pepper is a secret that lies outside the database, so that somebody who
 * reads a table, a dump or a backup can't test guesses against the digests.
 * devapp.pepper_file has one a line:
 *
 *	<number>:<hex digits, 16 to 64 bytes>
 *
 * with '#' lines as comments.  The highest number keys new digests, the others
 * stay for the digests that name them.
 *
 * The file is read when a backend first needs it, when its name changes, before
 * a secret is issued if it changed since, and when a digest names a number that
 * is not known yet.  So a pepper that was added needs no restart.  A backend that
 * remembers what it has verified looks at the file once a second at most, so that
 * a pepper that was taken out ends what was verified with it; other verifications
 * ask the file system nothing.
 *
 * The keys lie in memory from sodium_malloc(): locked where the system allows,
 * fenced, left out of core dumps.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/key_file.h"
#include "base/sodium.h"
#include "key/pepper.h"

PG_FUNCTION_INFO_V1(devapp_pepper_newest);
PG_FUNCTION_INFO_V1(devapp_pepper_known);

/* ---------- settings ---------- */

static char *pepper_file = NULL;

void
pepper_define_gucs(void)
{
	DefineCustomStringVariable("devapp.pepper_file",
							   "File with the numbered peppers that key the digests of secrets.",
							   "Empty: digests are unkeyed.",
							   &pepper_file,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

/* ---------- reading ---------- */

typedef struct PepperFile
{
	char	   *name;			/* that was read, or NULL */
	struct stat stat;
	int			count;
	Pepper	   *peppers;		/* ascending by number */
} PepperFile;

static PepperFile current;

/* a pepper that was in use has gone, and nobody has asked for that yet */
static bool has_lost_one = false;

static bool
is_configured(void)
{
	return pepper_file != NULL && pepper_file[0] != '\0';
}

/* Read "<number>:<hex>" into p. */
static const char *
parse_pepper(const char *line, Pepper *p)
{
	char	   *end;
	long		number = strtol(line, &end, 10);
	const char *hex;
	const char *hex_end;
	size_t		hex_len;

	if (end == line || *end != ':' || number < 1 || number > PEPPER_MAX_NUMBER)
		return "It does not begin with a number from 1 to 65535 and a colon.";
	hex = end + 1;
	hex_len = strcspn(hex, " \t\r\n");
	if (hex[hex_len + strspn(hex + hex_len, " \t\r\n")] != '\0')
		return "Something follows the hex digits.";
	if (sodium_hex2bin(p->key, sizeof(p->key), hex, hex_len, NULL, &p->len,
					   &hex_end) != 0 ||
		hex_end != hex + hex_len || p->len < PEPPER_MIN_BYTES)
		return "It does not have 32 to 128 hex digits.";
	p->number = (int) number;
	return NULL;
}

/* Put p in its place by number. */
static const char *
insert_sorted(PepperFile *f, const Pepper *p)
{
	int			place = f->count;

	if (f->count == PEPPER_MAX_COUNT)
		return "There are too many peppers.";
	while (place > 0 && f->peppers[place - 1].number >= p->number)
	{
		if (f->peppers[place - 1].number == p->number)
			return "Its number stands on an earlier line too.";
		place--;
	}
	memmove(&f->peppers[place + 1], &f->peppers[place],
			sizeof(Pepper) * (size_t) (f->count - place));
	f->peppers[place] = *p;
	f->count++;
	return NULL;
}

/* The parser of a line, see key_file.c. */
static const char *
add_line(const char *line, void *arg)
{
	Pepper		p = {0};
	const char *problem = parse_pepper(line, &p);

	if (problem == NULL)
		problem = insert_sorted(arg, &p);
	sodium_memzero(&p, sizeof(p));
	return problem;
}

static KeyFileProblem
read_peppers(PepperFile *f)
{
	KeyFileProblem problem = {.text = "There is not enough memory for it."};

	devapp_require_sodium();
	f->peppers = sodium_allocarray(PEPPER_MAX_COUNT, sizeof(Pepper));
	if (f->peppers == NULL)
		return problem;
	problem = key_file_read(pepper_file, add_line, f, &f->stat);
	if (problem.text == NULL && f->count == 0)
		problem.text = "It has no pepper.";
	return problem;
}

static void
forget_peppers(PepperFile *f)
{
	if (f->peppers)
		sodium_free(f->peppers);	/* wipes it */
	if (f->name)
		pfree(f->name);
	memset(f, 0, sizeof(*f));
}

/* Does the other have all of these? */
static bool
all_are_in(const PepperFile *these, const PepperFile *other)
{
	for (int i = 0; i < these->count; i++)
	{
		const Pepper *p = &these->peppers[i];
		bool		found = false;

		for (int j = 0; j < other->count && !found; j++)
			found = other->peppers[j].number == p->number &&
				other->peppers[j].len == p->len &&
				sodium_memcmp(other->peppers[j].key, p->key, p->len) == 0;
		if (!found)
			return false;
	}
	return true;
}

/*
 * Read the file.  If it is not usable, say so at the given level and keep what
 * was known.
 */
static bool
load_peppers(int elevel)
{
	PepperFile	fresh = {0};
	KeyFileProblem problem = read_peppers(&fresh);

	if (problem.text != NULL)
	{
		forget_peppers(&fresh);
		key_file_report(elevel, "pepper file", pepper_file, problem,
						"Each line is <number>:<32 to 128 hex digits>; nobody but the server's user may have access to the file.");
		return false;
	}
	fresh.name = MemoryContextStrdup(TopMemoryContext, pepper_file);
	has_lost_one |= !all_are_in(&current, &fresh);
	forget_peppers(&current);
	current = fresh;
	return true;
}

static bool
is_loaded(void)
{
	return current.name != NULL && strcmp(current.name, pepper_file) == 0;
}

static bool
file_changed(void)
{
	struct stat st;

	if (stat(pepper_file, &st) != 0)
		return true;
	/* a change of content or of permissions shows in the time of change */
	return st.st_ctim.tv_sec != current.stat.st_ctim.tv_sec ||
		st.st_ctim.tv_nsec != current.stat.st_ctim.tv_nsec ||
		st.st_size != current.stat.st_size ||
		st.st_ino != current.stat.st_ino ||
		st.st_dev != current.stat.st_dev;
}

/*
 * The pepper for a new digest, or NULL if there is none to use.  A file that is
 * named but not usable is an error: a secret must not silently go unkeyed.
 */
const Pepper *
pepper_newest(void)
{
	if (!is_configured())
		return NULL;
	if (!is_loaded() || file_changed())
		(void) load_peppers(ERROR);
	return &current.peppers[current.count - 1];
}

static const Pepper *
find_loaded(int number)
{
	for (int i = 0; i < current.count; i++)
	{
		if (current.peppers[i].number == number)
			return &current.peppers[i];
	}
	return NULL;
}

/*
 * load_peppers() where an error is none: say it in the log, but not again until it worked
 * or a minute has passed.
 */
static bool
load_for_verdict(void)
{
	static TimestampTz complained_at = 0;
	TimestampTz now = GetCurrentTimestamp();
	bool		quiet = !TimestampDifferenceExceeds(complained_at, now, 60 * 1000);
	bool		loaded = load_peppers(quiet ? DEBUG1 : LOG);

	if (loaded)
		complained_at = 0;
	else if (!quiet)
		complained_at = now;
	return loaded;
}

/*
 * The pepper that a digest names, or NULL.  Used where a verdict is asked, so a
 * file that is missing or broken is no error here: it goes to the log, and what
 * was read before stays in use.
 */
const Pepper *
pepper_find(int number)
{
	const Pepper *p;

	if (!is_configured())
		return NULL;
	if (!is_loaded())
		return load_for_verdict() ? find_loaded(number) : NULL;
	p = find_loaded(number);
	if (p == NULL && file_changed() && load_for_verdict())
		p = find_loaded(number);
	return p;
}

/*
 * Look at the file again, if that was not done within the last second.  True if a
 * pepper that was in use has gone since the last time, whoever noticed, so that what
 * was verified with it no longer counts.  What is missing or broken is a fault, not a
 * decision: the peppers stay.
 */
bool
pepper_look_again(TimestampTz now)
{
	static TimestampTz looked_at = 0;
	bool		lost;

	if (current.count > 0 && (now < looked_at || now >= looked_at + USECS_PER_SEC))
	{
		looked_at = now;
		if (!is_configured() || (!is_loaded() && !load_for_verdict()))
		{
			forget_peppers(&current);
			has_lost_one = true;
		}
		else if (file_changed())
			(void) load_for_verdict();
	}
	lost = has_lost_one;
	has_lost_one = false;
	return lost;
}

/* Could the file be read, if there is one? */
bool
pepper_file_is_usable(void)
{
	return !is_configured() || is_loaded();
}

/* How many peppers are known; reads the file the first time. */
int
pepper_count(void)
{
	if (!is_configured())
		return 0;
	if (!is_loaded())
		(void) load_for_verdict();
	return is_loaded() ? current.count : 0;
}

const Pepper *
pepper_nth(int n)
{
	return &current.peppers[n];
}

/* SQL: the number that keys new digests, 0 for none; for doctor(). */
Datum
devapp_pepper_newest(PG_FUNCTION_ARGS)
{
	const Pepper *p = pepper_newest();

	PG_RETURN_INT32(p ? p->number : PEPPER_NONE);
}

/* SQL: is there a pepper of this number? */
Datum
devapp_pepper_known(PG_FUNCTION_ARGS)
{
	int32		number = PG_GETARG_INT32(0);

	PG_RETURN_BOOL(number == PEPPER_NONE || pepper_find(number) != NULL);
}
