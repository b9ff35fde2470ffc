/*
 * pepper.c
 *		The keys of the digests.
 *
 * A pepper is a secret that lies outside the database, so that somebody who
 * reads a table, a dump or a backup can't test guesses against the digests.
 * devapp.pepper_file has numbered ones (numbered_keys.c).  The highest number keys new
 * digests, the others stay for the digests that name them.
 *
 * The file is read when a backend first needs it, when its name changes, before
 * a secret is issued if it changed since, and when a digest names a number that
 * is not known yet.  So a pepper that was added needs no restart.  A backend that
 * remembers what it has verified looks at the file once a second at most, so that
 * a pepper that was taken out ends what was verified with it; other verifications
 * ask the file system nothing.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/numbered_keys.h"
#include "base/sodium.h"
#include "key/pepper.h"

PG_FUNCTION_INFO_V1(devapp_pepper_newest);
PG_FUNCTION_INFO_V1(devapp_pepper_known);
PG_FUNCTION_INFO_V1(devapp_pepper_fingerprint);

/* ---------- settings ---------- */

static char *pepper_file = NULL;

void
pepper_define_gucs(void)
{
	DefineCustomStringVariable("devapp.pepper_file",
							   "Sets the file with the numbered peppers that key the digests of secrets.",
							   "If empty, digests are unkeyed.",
							   &pepper_file,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

/* ---------- reading ---------- */

static NumberedKeys peppers = {
	.setting = &pepper_file,
	.kind = {
		.what = "pepper file",
		.form_hint = "Each line must be <number>:<32 to 128 hex digits>, and only the server's user may have access to the file."
	},
	.no_key = "It contains no pepper.",
	.too_many = "It contains too many peppers."
};

/*
 * The pepper for a new digest, or NULL if there is none to use.  A file that is
 * named but not usable is an error: a secret must not silently go unkeyed.
 */
const Pepper *
pepper_newest(void)
{
	if (!numbered_keys_configured(&peppers))
		return NULL;
	if (!numbered_keys_loaded(&peppers) || numbered_keys_changed(&peppers))
		(void) numbered_keys_load(&peppers, ERROR);
	return &peppers.keys[peppers.count - 1];
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

	if (!numbered_keys_configured(&peppers))
		return NULL;
	if (!numbered_keys_loaded(&peppers))
		return numbered_keys_load_for_verdict(&peppers) ? numbered_keys_find(&peppers, number) : NULL;
	p = numbered_keys_find(&peppers, number);
	if (p == NULL && numbered_keys_changed(&peppers) && numbered_keys_load_for_verdict(&peppers))
		p = numbered_keys_find(&peppers, number);
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

	if (peppers.count > 0 && (now < looked_at || now >= looked_at + USECS_PER_SEC))
	{
		looked_at = now;
		if (!numbered_keys_configured(&peppers) ||
			(!numbered_keys_loaded(&peppers) && !numbered_keys_load_for_verdict(&peppers)))
		{
			numbered_keys_forget(&peppers);
			peppers.has_lost_one = true;
		}
		else if (numbered_keys_changed(&peppers))
			(void) numbered_keys_load_for_verdict(&peppers);
	}
	lost = peppers.has_lost_one;
	peppers.has_lost_one = false;
	return lost;
}

/* Could the file be read, if there is one? */
bool
pepper_file_is_usable(void)
{
	return !numbered_keys_configured(&peppers) || numbered_keys_loaded(&peppers);
}

/* How many peppers are known; reads the file the first time. */
int
pepper_count(void)
{
	if (!numbered_keys_configured(&peppers))
		return 0;
	if (!numbered_keys_loaded(&peppers))
		(void) numbered_keys_load_for_verdict(&peppers);
	return numbered_keys_loaded(&peppers) ? peppers.count : 0;
}

const Pepper *
pepper_nth(int n)
{
	return &peppers.keys[n];
}

/*
 * What shows that two peppers are the same, and helps nobody to find out either: a digest of
 * another length than those of secrets, so it is none of them, over a text that is no hash.
 */
static void
fingerprint_of(const Pepper *p, uint8 *out)
{
	static const char text[] = "devapp pepper";

	devapp_require_sodium();
	if (crypto_generichash(out, PEPPER_FINGERPRINT_LEN, (const unsigned char *) text, strlen(text),
						   p->key, p->len) != 0)
		elog(ERROR, "BLAKE2b failed");
}

/*
 * The pepper of a digest that comes from elsewhere, where it may have another number, or NULL.
 * A file that is not usable is an error, as in pepper_newest().
 */
const Pepper *
pepper_find_by_fingerprint(const uint8 *fingerprint)
{
	if (pepper_newest() == NULL)
		return NULL;
	for (int i = 0; i < peppers.count; i++)
	{
		uint8		known[PEPPER_FINGERPRINT_LEN];

		fingerprint_of(&peppers.keys[i], known);
		if (memcmp(known, fingerprint, PEPPER_FINGERPRINT_LEN) == 0)
			return &peppers.keys[i];
	}
	return NULL;
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

/* SQL: the fingerprint of the pepper of this number; null if it is not known. */
Datum
devapp_pepper_fingerprint(PG_FUNCTION_ARGS)
{
	const Pepper *p = pepper_find(PG_GETARG_INT32(0));
	uint8		fingerprint[PEPPER_FINGERPRINT_LEN];
	char		hex[2 * PEPPER_FINGERPRINT_LEN + 1];

	if (p == NULL)
		PG_RETURN_NULL();
	fingerprint_of(p, fingerprint);
	sodium_bin2hex(hex, sizeof(hex), fingerprint, sizeof(fingerprint));
	PG_RETURN_TEXT_P(cstring_to_text(hex));
}
