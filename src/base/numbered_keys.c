/*
 * numbered_keys.c
 *		Files with numbered keys, and what was read of them.
 *
 * Such a file has one key a line:
 *
 *	<number>:<hex digits, 16 to 64 bytes>
 *
 * with '#' lines as comments.  The highest number is the newest key, which is used for what
 * is new; the others stay for what names them.  Peppers and the keyring have this form.
 *
 * When a file is read is up to its user.  One that is not usable is an error or a line in
 * the log, and what was read before stays.
 *
 * The keys lie in memory from sodium_malloc(): locked where the system allows, fenced,
 * left out of core dumps.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/numbered_keys.h"
#include "base/sodium.h"

bool
numbered_keys_configured(const NumberedKeys *f)
{
	return *f->setting != NULL && (*f->setting)[0] != '\0';
}

/* Read "<number>:<hex>" into k. */
static const char *
parse_key(const char *line, NumberedKey *k)
{
	char	   *end;
	long		number = strtol(line, &end, 10);
	const char *hex;
	const char *hex_end;
	size_t		hex_len;

	if (end == line || *end != ':' || number < 1 || number > NUMBERED_KEYS_MAX_NUMBER)
		return "It does not begin with a number from 1 to 65535 and a colon.";
	hex = end + 1;
	hex_len = strcspn(hex, " \t\r\n");
	if (hex[hex_len + strspn(hex + hex_len, " \t\r\n")] != '\0')
		return "It has characters after the hex digits.";
	if (sodium_hex2bin(k->key, sizeof(k->key), hex, hex_len, NULL, &k->len,
					   &hex_end) != 0 ||
		hex_end != hex + hex_len || k->len < NUMBERED_KEY_MIN_BYTES)
		return "It does not have 32 to 128 hex digits.";
	k->number = (int) number;
	return NULL;
}

/* Put k in its place by number. */
static const char *
insert_sorted(NumberedKeys *f, const NumberedKey *k)
{
	int			place = f->count;

	if (f->count == NUMBERED_KEYS_MAX_COUNT)
		return f->too_many;
	while (place > 0 && f->keys[place - 1].number >= k->number)
	{
		if (f->keys[place - 1].number == k->number)
			return "Its number is already used on an earlier line.";
		place--;
	}
	memmove(&f->keys[place + 1], &f->keys[place],
			sizeof(NumberedKey) * (size_t) (f->count - place));
	f->keys[place] = *k;
	f->count++;
	return NULL;
}

/* The parser of a line, see key_file.c. */
static const char *
add_line(const char *line, void *arg)
{
	NumberedKey k = {0};
	const char *problem = parse_key(line, &k);

	if (problem == NULL)
		problem = insert_sorted(arg, &k);
	sodium_memzero(&k, sizeof(k));
	return problem;
}

static KeyFileProblem
read_keys(NumberedKeys *f)
{
	KeyFileProblem problem = {.text = "There is not enough memory for it."};

	devapp_require_sodium();
	f->keys = sodium_allocarray(NUMBERED_KEYS_MAX_COUNT, sizeof(NumberedKey));
	if (f->keys == NULL)
		return problem;
	problem = key_file_read(*f->setting, add_line, f, &f->stat);
	if (problem.text == NULL && f->count == 0)
		problem.text = f->no_key;
	return problem;
}

void
numbered_keys_forget(NumberedKeys *f)
{
	if (f->keys)
		sodium_free(f->keys);	/* wipes it */
	if (f->name)
		pfree(f->name);
	f->keys = NULL;
	f->name = NULL;
	f->count = 0;
}

/* True if the other has all of these, with the same bytes. */
static bool
all_are_in(const NumberedKeys *these, const NumberedKeys *other)
{
	for (int i = 0; i < these->count; i++)
	{
		const NumberedKey *k = &these->keys[i];
		const NumberedKey *found = numbered_keys_find(other, k->number);

		if (found == NULL || found->len != k->len ||
			sodium_memcmp(found->key, k->key, k->len) != 0)
			return false;
	}
	return true;
}

/*
 * Read the file.  If it is not usable, say so at the given level and keep what
 * was known.
 */
bool
numbered_keys_load(NumberedKeys *f, int elevel)
{
	NumberedKeys fresh = *f;
	KeyFileProblem problem;

	fresh.keys = NULL;
	fresh.name = NULL;
	fresh.count = 0;
	problem = read_keys(&fresh);
	if (problem.text != NULL)
	{
		numbered_keys_forget(&fresh);
		key_file_report(elevel, &f->kind, *f->setting, problem);
		return false;
	}
	fresh.name = MemoryContextStrdup(TopMemoryContext, *f->setting);
	fresh.has_lost_one |= !all_are_in(f, &fresh);
	numbered_keys_forget(f);
	*f = fresh;
	return true;
}

/*
 * The same for a verdict, which must not fail: a file that is not usable is said in the log,
 * and not again until it worked or a minute has passed.
 */
bool
numbered_keys_load_for_verdict(NumberedKeys *f)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		quiet = !TimestampDifferenceExceeds(f->complained_at, now, 60 * 1000);
	bool		loaded = numbered_keys_load(f, quiet ? DEBUG1 : LOG);

	if (loaded)
		f->complained_at = 0;
	else if (!quiet)
		f->complained_at = now;
	return loaded;
}

/* True if the file that was read is the one that the setting names now. */
bool
numbered_keys_loaded(const NumberedKeys *f)
{
	return f->name != NULL && strcmp(f->name, *f->setting) == 0;
}

/* True if the file is not as it was when it was read, or cannot be found. */
bool
numbered_keys_changed(const NumberedKeys *f)
{
	struct stat st;

	if (stat(*f->setting, &st) != 0)
		return true;
	/* a change of content or of permissions shows in the time of change */
	return st.st_ctim.tv_sec != f->stat.st_ctim.tv_sec ||
		st.st_ctim.tv_nsec != f->stat.st_ctim.tv_nsec ||
		st.st_size != f->stat.st_size ||
		st.st_ino != f->stat.st_ino ||
		st.st_dev != f->stat.st_dev;
}

/* The key of that number among those that were read, or NULL. */
const NumberedKey *
numbered_keys_find(const NumberedKeys *f, int number)
{
	for (int i = 0; i < f->count; i++)
	{
		if (f->keys[i].number == number)
			return &f->keys[i];
	}
	return NULL;
}
