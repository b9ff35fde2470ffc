/*
 * keyring.c
 *		Sealing what must not be in the database in plain text.
 *
 * Private keys that sign tokens, and secrets of foreign issuers, are needed as they
 * are, so no digest can stand for them.  They are sealed before they are written, with a
 * key that lies outside the database: devapp.keyring_file has numbered ones
 * (numbered_keys.c).  The newest seals, the others unseal what they have sealed.
 *
 * Sealed bytes are
 *
 *	scheme (1 byte, 1), number of the key (2, big-endian), nonce (24), ciphertext and tag
 *
 * by XChaCha20-Poly1305 under BLAKE2b-256(key = line of the file, "devapp.keyring.1").  The
 * tag covers the bytes before the nonce and the subject as well, so that nobody who may
 * write to the table can put one secret in the place of another.
 *
 * The file is looked at each time, and read if it changed: that costs a call of stat() for
 * each signature.  If it is not usable, nothing is sealed or unsealed, whatever was read
 * before.
 *
 * What was unsealed lies in memory from sodium_malloc(), which the caller frees with
 * keyring_wipe().
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "base/numbered_keys.h"
#include "base/sodium.h"
#include "token/keyring.h"

PG_FUNCTION_INFO_V1(devapp_keyring_newest);
PG_FUNCTION_INFO_V1(devapp_keyring_known);
PG_FUNCTION_INFO_V1(devapp_sealed_with);
PG_FUNCTION_INFO_V1(devapp_can_unseal);
PG_FUNCTION_INFO_V1(devapp_reseal);

#define SCHEME			1
#define HEAD_LEN		3		/* scheme and number */
#define NONCE_LEN		crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN			crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_LEN			crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define OVERHEAD		(HEAD_LEN + NONCE_LEN + TAG_LEN)
#define SUBJECT_MAX		2048

#define EMPTY_HINT		"Write a key, <number>:<32 to 128 hex digits>, into a file that only the server's user can read, set devapp.keyring_file and reload. A dump does not contain the keyring: a copy of a database needs the file of the original."
#define MISSING_HINT	"A dump does not contain the keyring. Use the file of the dumped database and reload, or create a key with devapp.create_signing_key and activate it. Existing tokens can still be verified."

static char *keyring_file = NULL;

void
keyring_define_gucs(void)
{
	DefineCustomStringVariable("devapp.keyring_file",
							   "Sets the file with the numbered keys that seal private keys and shared secrets.",
							   "If empty, no token can be signed.",
							   &keyring_file,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

static NumberedKeys keyring = {
	.setting = &keyring_file,
	.kind = {
		.what = "keyring file",
		.form_hint = "Each line must be <number>:<32 to 128 hex digits>, and only the server's user may have access to the file.",
		.open_hint = MISSING_HINT,
		.sqlstate = ERRCODE_IO_ERROR
	},
	.no_key = "It contains no key.",
	.too_many = "It contains too many keys."
};

/* ---------- the file ---------- */

/* how often it was read */
static uint64 keyring_version = 0;

static bool
load_keyring(bool for_verdict)
{
	bool		loaded = for_verdict ? numbered_keys_load_for_verdict(&keyring) :
		numbered_keys_load(&keyring, ERROR);

	if (loaded)
		keyring_version++;
	return loaded;
}

uint64
keyring_require(void)
{
	if (!numbered_keys_configured(&keyring))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("there is no keyring: devapp.keyring_file is empty"),
				 errhint("%s", EMPTY_HINT)));
	if (!numbered_keys_loaded(&keyring) || numbered_keys_changed(&keyring))
		(void) load_keyring(false);
	return keyring_version;
}

/* The same for a verdict: a file that is not usable goes to the log, and is no error. */
static bool
has_keyring(void)
{
	if (!numbered_keys_configured(&keyring))
		return false;
	return (numbered_keys_loaded(&keyring) && !numbered_keys_changed(&keyring)) ||
		load_keyring(true);
}

/* ---------- sealing ---------- */

/* Write the bytes that the tag covers besides the ciphertext; returns how many. */
static size_t
associated_data(const unsigned char *head, const char *subject, unsigned char *out)
{
	size_t		len = strlen(subject);

	if (len > SUBJECT_MAX)
		elog(ERROR, "the subject of what is sealed is too long");
	memcpy(out, head, HEAD_LEN);
	memcpy(out + HEAD_LEN, subject, len);
	return HEAD_LEN + len;
}

static void
derive_key(const NumberedKey *from, unsigned char key[KEY_LEN])
{
	static const unsigned char purpose[] = "devapp.keyring.1";

	(void) crypto_generichash(key, KEY_LEN, purpose, sizeof(purpose) - 1, from->key, from->len);
}

bytea *
keyring_seal(const char *subject, const unsigned char *plain, size_t len)
{
	Size		size = VARHDRSZ + OVERHEAD + len;
	bytea	   *sealed = palloc(size);
	unsigned char *head = (unsigned char *) VARDATA(sealed);
	unsigned char *nonce = head + HEAD_LEN;
	unsigned char ad[HEAD_LEN + SUBJECT_MAX];
	unsigned char key[KEY_LEN];
	const NumberedKey *newest;
	size_t		ad_len;

	(void) keyring_require();
	newest = &keyring.keys[keyring.count - 1];
	head[0] = SCHEME;
	head[1] = (unsigned char) (newest->number >> 8);
	head[2] = (unsigned char) newest->number;
	ad_len = associated_data(head, subject, ad);
	randombytes_buf(nonce, NONCE_LEN);
	derive_key(newest, key);
	(void) crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_LEN, NULL, plain, len,
													  ad, ad_len, NULL, nonce, key);
	sodium_memzero(key, sizeof(key));
	SET_VARSIZE(sealed, size);
	return sealed;
}

/* ---------- unsealing ---------- */

/* Number of the key that has sealed this; 0 if it is not sealed in a way that we know. */
static int
sealed_with(Str sealed)
{
	const unsigned char *head = (const unsigned char *) sealed.data;

	if (sealed.len < OVERHEAD || head[0] != SCHEME)
		return 0;
	return head[1] << 8 | head[2];
}

/* data is NULL if there is no memory, or if the bytes are not what this key has sealed for the subject. */
static Unsealed
open_with(const NumberedKey *with, const char *subject, Str sealed)
{
	const unsigned char *head = (const unsigned char *) sealed.data;
	const unsigned char *nonce = head + HEAD_LEN;
	unsigned char ad[HEAD_LEN + SUBJECT_MAX];
	unsigned char key[KEY_LEN];
	size_t		ad_len = associated_data(head, subject, ad);
	Unsealed	plain = {NULL, sealed.len - OVERHEAD};
	int			failed;

	/* what was sealed may be empty: NULL means that it could not be unsealed */
	plain.data = sodium_malloc(Max(plain.len, 1));
	if (plain.data == NULL)
		return plain;
	derive_key(with, key);
	failed = crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data, NULL, NULL, nonce + NONCE_LEN,
														sealed.len - HEAD_LEN - NONCE_LEN,
														ad, ad_len, nonce, key);
	sodium_memzero(key, sizeof(key));
	if (failed)
		keyring_wipe(&plain);
	return plain;
}

static Unsealed
unseal_with(const NumberedKey *with, const char *subject, Str sealed)
{
	return with != NULL ? open_with(with, subject, sealed) : (Unsealed) {NULL, 0};
}

static void
refuse_unsealing(const char *subject, int number, bool is_known)
{
	if (!is_known)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("the keyring has no key %d", number),
				 errdetail("It was used to seal %s.", subject),
				 errhint("%s", MISSING_HINT)));
	ereport(ERROR,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("%s cannot be unsealed with key %d of the keyring", subject, number),
			 errdetail("Another key has this number now, or the sealed bytes were altered."),
			 errhint("%s", MISSING_HINT)));
}

/* What was sealed for the subject; an error if that cannot be. */
Unsealed
keyring_unseal(const char *subject, Str sealed)
{
	int			number = sealed_with(sealed);
	const NumberedKey *with;
	Unsealed	plain;

	(void) keyring_require();
	with = numbered_keys_find(&keyring, number);
	plain = unseal_with(with, subject, sealed);
	if (plain.data == NULL)
		refuse_unsealing(subject, number, with != NULL);
	return plain;
}

/*
 * The same where a verdict is asked, so that nothing is an error: data is NULL then, and
 * what is wrong with the file goes to the log.
 */
Unsealed
keyring_unseal_for_verdict(const char *subject, Str sealed)
{
	return unseal_with(has_keyring() ? numbered_keys_find(&keyring, sealed_with(sealed)) : NULL,
					   subject, sealed);
}

Unsealed
keyring_room(size_t len)
{
	Unsealed	room = {NULL, len};

	devapp_require_sodium();
	room.data = sodium_malloc(len);
	if (room.data == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("There is no locked memory for a private key.")));
	return room;
}

void
keyring_wipe(Unsealed *unsealed)
{
	if (unsealed->data != NULL)
		sodium_free(unsealed->data);
	*unsealed = (Unsealed) {NULL, 0};
}

/* ---------- SQL ---------- */

static Str
sealed_argument(bytea *value)
{
	return (Str) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

/* keyring_newest(): the number that seals, 0 for none; an error if the file is not usable. */
Datum
devapp_keyring_newest(PG_FUNCTION_ARGS)
{
	if (!numbered_keys_configured(&keyring))
		PG_RETURN_INT32(0);
	(void) keyring_require();
	PG_RETURN_INT32(keyring.keys[keyring.count - 1].number);
}

/* keyring_known(number): could what this key has sealed be unsealed? */
Datum
devapp_keyring_known(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(has_keyring() && numbered_keys_find(&keyring, PG_GETARG_INT32(0)) != NULL);
}

/* sealed_with(sealed): the number of the key that has sealed it */
Datum
devapp_sealed_with(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(sealed_with(sealed_argument(PG_GETARG_BYTEA_PP(0))));
}

/* can_unseal(subject, sealed): would keyring_unseal() give something? */
Datum
devapp_can_unseal(PG_FUNCTION_ARGS)
{
	Unsealed	plain = keyring_unseal_for_verdict(text_to_cstring(PG_GETARG_TEXT_PP(0)),
												   sealed_argument(PG_GETARG_BYTEA_PP(1)));
	bool		can = plain.data != NULL;

	keyring_wipe(&plain);
	PG_RETURN_BOOL(can);
}

/* reseal(subject, sealed): the same, sealed with the newest key; the plaintext stays here. */
Datum
devapp_reseal(PG_FUNCTION_ARGS)
{
	char	   *subject = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Unsealed	plain = keyring_unseal(subject, sealed_argument(PG_GETARG_BYTEA_PP(1)));
	bytea	   *sealed = NULL;

	PG_TRY();
	{
		sealed = keyring_seal(subject, plain.data, plain.len);
	}
	PG_FINALLY();
	{
		keyring_wipe(&plain);
	}
	PG_END_TRY();
	PG_RETURN_BYTEA_P(sealed);
}
