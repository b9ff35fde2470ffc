/*
 * exported_digest.c
 *		Digests of secrets that another database of devapp exported.
 *
 * A digest can be compared only with the pepper that keyed it.  The number of a pepper is a name
 * that every installation gives for itself, so an export also has a fingerprint of the pepper
 * (key/pepper.c), which leads to the pepper here, whatever its number.  The number in the text only
 * tells people which pepper is missing.
 */
#include "postgres.h"

#include "import/exported_digest.h"
#include "import/secret_form_core.h"
#include "key/pepper.h"

/* The number that the pepper of the digest has here. */
static int
find_number(const DigestForm *form)
{
	const Pepper *pepper;

	if (form->pepper == PEPPER_NONE)
		return PEPPER_NONE;
	if (!form->has_fingerprint)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("secret_hash does not have the fingerprint of pepper %d", form->pepper),
				 errdetail("The number of a pepper does not identify it across databases."),
				 errhint("Export the digest again where devapp.pepper_file has this pepper.")));
	pepper = pepper_find_by_fingerprint(form->fingerprint);
	if (pepper != NULL)
		return pepper->number;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("pepper %d of the exporting database is not in devapp.pepper_file", form->pepper),
			 errhint("Add it to the file under an unused number, or issue a new secret.")));
}

/*
 * Read a digest and return how its secret is found, as credential_secret.scheme says it; NULL if the
 * text does not have the form of one.
 */
const char *
exported_digest_take(Str text, SecretDigest *out)
{
	DigestForm	form;

	if (!form_read_digest(text.data, text.len, &form))
		return NULL;
	secret_digest_set(strcmp(form.scheme, "sha512_256") == 0 ? SECRET_SHA512_256 : SECRET_BLAKE2B,
					  find_number(&form), form.digest, out);
	return form.scheme;
}
