/*
 * slow_hash.c
 *		Comparing a secret with a hash that is slow to compute.
 *
 * crypt() is pgcrypto's, and argon2id and scrypt are libsodium's.  A hash that is malformed or
 * above a bound matches nothing: import_credential() refuses it, but an administrator can write one
 * to the table.
 */
#include "postgres.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "import/slow_hash.h"

/* ---------- crypt ---------- */

static bool
is_crypt(Form_pg_proc proc, Oid extension)
{
	return proc->pronargs == 2 && proc->prorettype == TEXTOID &&
		proc->proargtypes.values[0] == TEXTOID && proc->proargtypes.values[1] == TEXTOID &&
		getExtensionOfObject(ProcedureRelationId, proc->oid) == extension;
}

/* Finds crypt(text, text) of pgcrypto, in any schema. */
static Oid
find_crypt(void)
{
	Oid			extension = get_extension_oid("pgcrypto", false);
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum("crypt"));
	Oid			found = InvalidOid;

	for (int i = 0; i < list->n_members && !OidIsValid(found); i++)
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (is_crypt(proc, extension))
			found = proc->oid;
	}
	ReleaseSysCacheList(list);
	if (!OidIsValid(found))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("extension \"pgcrypto\" has no function crypt(text, text)"),
				 errhint("Add the function to the extension again, with ALTER EXTENSION pgcrypto ADD FUNCTION.")));
	return found;
}

/*
 * From 18 on, a setting of pgcrypto switches crypt() off, which then fails.  Earlier majors do
 * not know it; one that somebody set there and reset is NULL or, from 16 on, empty.
 */
static bool
crypt_is_on(void)
{
	const char *setting = GetConfigOption("pgcrypto.builtin_crypto_enabled", true, false);

	if (setting == NULL || setting[0] == '\0' || pg_strcasecmp(setting, "on") == 0)
		return true;
	return pg_strcasecmp(setting, "fips") == 0 && EVP_default_properties_is_fips_enabled(NULL) == 0;
}

/* pgcrypto's crypt() takes MD5 from OpenSSL, and fails where there is none. */
static bool
md5_is_there(void)
{
	EVP_MD	   *md5;

	ERR_set_mark();
	md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	ERR_pop_to_mark();
	EVP_MD_free(md5);
	return md5 != NULL;
}

/*
 * The hash as crypt() of pgcrypto writes it.  It knows bcrypt as $2a$; $2b$ and $2y$ are the same
 * with another name.
 */
static char *
crypt_setting(const char *hash)
{
	char	   *setting = pstrdup(hash);

	if (strncmp(setting, "$2", 2) == 0)
	{
		if (setting[2] != 'x')
			setting[2] = 'a';
		slow_bcrypt_clear_padding(setting);
	}
	return setting;
}

static bool
matches_crypt(const char *hash, Str secret)
{
	size_t		len = strlen(hash);
	char	   *setting = crypt_setting(hash);
	text	   *plain = cstring_to_text_with_len(secret.data, (int) secret.len);
	text	   *computed;
	bool		same;

	computed = DatumGetTextPP(OidFunctionCall2Coll(find_crypt(), DEFAULT_COLLATION_OID,
												   PointerGetDatum(plain),
												   CStringGetTextDatum(setting)));
	sodium_memzero(VARDATA(plain), secret.len);
	same = VARSIZE_ANY_EXHDR(computed) == len &&
		sodium_memcmp(VARDATA_ANY(computed), setting, len) == 0;
	sodium_memzero(VARDATA_ANY(computed), VARSIZE_ANY_EXHDR(computed));
	return same;
}

/* ---------- PBKDF2 ---------- */

static void
pause_pbkdf2(void)
{
	CHECK_FOR_INTERRUPTS();
}

static bool
matches_pbkdf2(const Pbkdf2Form *form, Str secret)
{
	uint8		computed[PBKDF2_LEN];
	bool		same;

	slow_pbkdf2(form, secret.data, secret.len, pause_pbkdf2, computed);
	same = sodium_memcmp(computed, form->hash, PBKDF2_LEN) == 0;
	sodium_memzero(computed, sizeof(computed));
	return same;
}

/* ---------- all of them ---------- */

SlowForm
slow_hash_form(SecretScheme scheme, Str hash)
{
	Pbkdf2Form	form;

	switch (scheme)
	{
		case SECRET_CRYPT:
			return slow_crypt_form(hash.data, hash.len, COMPAT_SHA_CRYPT);
		case SECRET_ARGON2ID:
			return slow_argon2id_form(hash.data, hash.len);
		case SECRET_SCRYPT:
			return slow_scrypt_form(hash.data, hash.len);
		case SECRET_PBKDF2_SHA256:
			return slow_pbkdf2_form(hash.data, hash.len, &form);
		default:
			return SLOW_FORM_BAD;
	}
}

SlowHashState
slow_hash_state(SecretScheme scheme, Str hash)
{
	if (scheme != SECRET_CRYPT)
		return SLOW_HASH_READY;
	if (!crypt_is_on())
		return SLOW_HASH_CRYPT_OFF;
	if (hash.len > 3 && memcmp(hash.data, "$1$", 3) == 0 && !md5_is_there())
		return SLOW_HASH_NO_MD5;
	return SLOW_HASH_READY;
}

/* Is it the hash of the secret?  That takes up to a second. */
bool
slow_hash_matches(SecretScheme scheme, const char *hash, Str secret)
{
	Pbkdf2Form	form;

	devapp_require_sodium();
	if (slow_hash_form(scheme, (Str) {hash, strlen(hash)}) != SLOW_FORM_OK)
		return false;
	switch (scheme)
	{
		case SECRET_CRYPT:
			return matches_crypt(hash, secret);
		case SECRET_ARGON2ID:
			return crypto_pwhash_argon2id_str_verify(hash, secret.data, secret.len) == 0;
		case SECRET_SCRYPT:
			return crypto_pwhash_scryptsalsa208sha256_str_verify(hash, secret.data, secret.len) == 0;
		case SECRET_PBKDF2_SHA256:
			return slow_pbkdf2_form(hash, strlen(hash), &form) == SLOW_FORM_OK &&
				matches_pbkdf2(&form, secret);
		default:
			return false;
	}
}
