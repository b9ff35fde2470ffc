/*
 * signing_key.c
 *		The key that signs checkpoints, and those that have signed them.
 *
 * devapp.audit_key_file has the Ed25519 seed, 64 hex digits, on its first line, and
 * on further lines the verifier keys of seeds that were used before; '#' lines are
 * comments.
 *
 * Checkpoints are made rarely, so the file is read each time, and the seed exists
 * only while it signs: in memory from sodium_malloc(), which is locked where the
 * system allows and left out of core dumps.  No function that can be called gives a
 * signature over anything but the tree that seal_audit() has just computed.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "base/key_file.h"
#include "base/sodium.h"
#include "seal/signing_key.h"

PG_FUNCTION_INFO_V1(devapp_audit_public_key);

/* ---------- settings ---------- */

static char *audit_key_file = NULL;
static char *audit_origin = NULL;

static bool
check_audit_origin(char **newval, void **extra, GucSource source)
{
	if (checkpoint_origin_is_valid(*newval, strlen(*newval)))
		return true;
	GUC_check_errdetail("The origin of an audit trail must be 1 to %d printable ASCII characters other than space and \"+\".",
						CHECKPOINT_ORIGIN_MAX);
	return false;
}

void
signing_key_define_gucs(void)
{
	DefineCustomStringVariable("devapp.audit_key_file",
							   "Sets the file with the key that signs checkpoints of the audit trail.",
							   "If empty, checkpoints are not signed.",
							   &audit_key_file,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	DefineCustomStringVariable("devapp.audit_origin",
							   "Sets the name of this audit trail in its checkpoints, and of the key that signs them.",
							   "Existing checkpoints keep their name.",
							   &audit_origin,
							   "devapp",
							   PGC_SIGHUP, 0, check_audit_origin, NULL, NULL);
}

typedef struct KeyFile
{
	unsigned char *seed;		/* from sodium_malloc() */
	bool		has_seed;
	SigningKeys *keys;
} KeyFile;

static const KeyFileKind audit_key_kind = {
	.what = "audit key file",
	.form_hint = "Its first line must be 64 hex digits, the other lines verifier keys of former keys, and only the server's user may have access to the file."
};

static bool
is_configured(void)
{
	return audit_key_file != NULL && audit_key_file[0] != '\0';
}

/* ---------- reading ---------- */

static const char *
parse_seed(const char *s, size_t len, KeyFile *f)
{
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	const char *end;
	size_t		got;

	if (sodium_hex2bin(f->seed, CHECKPOINT_SEED_BYTES, s, len, NULL, &got, &end) != 0 ||
		end != s + len || got != CHECKPOINT_SEED_BYTES)
		return "It does not have 64 hex digits.";
	(void) crypto_sign_seed_keypair(f->keys->keys[0].bytes, secret, f->seed);
	sodium_memzero(secret, sizeof(secret));
	f->keys->count = 1;
	f->has_seed = true;
	return NULL;
}

/* The parser of a line, see key_file.c. */
static const char *
add_line(const char *line, void *arg)
{
	KeyFile    *f = arg;
	size_t		len = strcspn(line, " \t\r\n");

	if (line[len + strspn(line + len, " \t\r\n")] != '\0')
		return "It has characters after the key.";
	if (!f->has_seed)
		return parse_seed(line, len, f);
	if (f->keys->count == SIGNING_KEYS_MAX)
		return "It contains too many keys.";
	return checkpoint_verifier_read(line, len, &f->keys->keys[f->keys->count++]);
}

/*
 * Read the file that is configured; on success the caller frees f->seed, which
 * wipes it.  A file that is named but not usable is an error: a checkpoint must not
 * silently go unsigned.
 */
static void
read_key_file(KeyFile *f)
{
	KeyFileProblem problem = {.text = "There is not enough memory for it."};
	struct stat st;

	devapp_require_sodium();
	f->keys->count = 0;
	f->has_seed = false;
	f->seed = sodium_malloc(CHECKPOINT_SEED_BYTES);
	if (f->seed != NULL)
		problem = key_file_read(audit_key_file, add_line, f, &st);
	if (problem.text == NULL && !f->has_seed)
		problem.text = "It contains no key.";
	if (problem.text == NULL)
		return;
	if (f->seed)
		sodium_free(f->seed);
	key_file_report(ERROR, &audit_key_kind, audit_key_file, problem);
}

void
signing_keys_read(SigningKeys *keys)
{
	KeyFile		f = {.keys = keys};

	keys->count = 0;
	if (!is_configured())
		return;
	read_key_file(&f);
	sodium_free(f.seed);
}

/* ---------- signing ---------- */

/* A signature begins with a dash that not every encoding has. */
static void
require_utf8(void)
{
	if (GetDatabaseEncoding() != PG_UTF8 && GetDatabaseEncoding() != PG_SQL_ASCII)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("checkpoints cannot be signed in a database with encoding %s",
						GetDatabaseEncodingName()),
				 errhint("Use a database with encoding UTF8, or set devapp.audit_key_file to '' and sign what you export.")));
}

/*
 * The checkpoint of a tree, as text; true if it is signed, and then *key is the
 * public key.  For seal_audit() only.
 */
bool
signing_key_write_checkpoint(uint64 size, const MerkleHash *root,
							 char checkpoint[CHECKPOINT_TEXT_MAX], CheckpointKey *key)
{
	SigningKeys	keys;
	KeyFile		f = {.keys = &keys};

	if (!is_configured())
	{
		(void) checkpoint_write(audit_origin, size, root, NULL, key, checkpoint);
		return false;
	}
	require_utf8();
	read_key_file(&f);
	(void) checkpoint_write(audit_origin, size, root, f.seed, key, checkpoint);
	sodium_free(f.seed);
	return true;
}

/* audit_public_key() */
Datum
devapp_audit_public_key(PG_FUNCTION_ARGS)
{
	SigningKeys	keys;
	char		verifier[CHECKPOINT_VERIFIER_MAX];

	signing_keys_read(&keys);
	if (keys.count == 0)
		PG_RETURN_NULL();
	checkpoint_verifier_write(audit_origin, &keys.keys[0], verifier);
	PG_RETURN_TEXT_P(cstring_to_text(verifier));
}
