/*
 * setting.c
 *		The settings of the API over HTTP; that of the proxy's token is in proxy.c.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "api/setting.h"
#include "token/token_setting.h"

static char *base_url = NULL;
static char *cors_origins = NULL;

static bool
is_web_url(const char *s)
{
	return (strncmp(s, "https://", 8) == 0 && s[8] != '\0') || (strncmp(s, "http://", 7) == 0 && s[7] != '\0');
}

/* Paths are appended to it. */
static bool
check_base_url(char **newval, void **extra, GucSource source)
{
	size_t		len = strlen(*newval);
	Str			url = {*newval, len};

	if (len == 0 ||
		(is_web_url(*newval) && str_is_printable_ascii(url) && strcspn(*newval, " \"#<>?\\^`{|}") == len &&
		 (*newval)[len - 1] != '/'))
		return true;
	GUC_check_errdetail("It must be a URL without a trailing slash, such as https://api.example.com.");
	return false;
}

void
api_define_gucs(void)
{
	DefineCustomStringVariable("devapp.base_url",
							   "Sets the base of the URLs of the API over HTTP.",
							   "If empty, it is devapp.issuer if that is an http or https URL, else what the proxy reports.",
							   &base_url,
							   "",
							   PGC_SUSET, 0, check_base_url, NULL, NULL);

	DefineCustomStringVariable("devapp.cors_origins",
							   "Sets the origins whose pages may call the API over HTTP.",
							   "A comma-separated list, such as https://portal.example.com; * allows every origin.",
							   &cors_origins,
							   "",
							   PGC_SUSET, GUC_LIST_INPUT, NULL, NULL, NULL);
}

bool
api_has_origins(void)
{
	return cors_origins[0] != '\0';
}

/* May pages of this origin read the answers? */
bool
api_origin_is_allowed(Str origin)
{
	static const char between[] = ", \t";
	const char *at = cors_origins;

	while (*(at += strspn(at, between)) != '\0')
	{
		Str			item = {at, strcspn(at, between)};

		if (str_is(item, "*") || str_equal(item, origin))
			return true;
		at += item.len;
	}
	return false;
}

/* What is set; len 0: nothing. */
Str
api_base_url(void)
{
	const char *url = base_url;

	if (url[0] == '\0')
		url = token_issuer_setting();
	return (Str) {url, is_web_url(url) ? strlen(url) : 0};
}
