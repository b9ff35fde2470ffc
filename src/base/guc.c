/*
 * guc.c
 *		The settings of devapp that belong to no other room.
 *
 * A setting is defined beside its use, by the *_define_gucs() of its file, which
 * _PG_init() calls.  Here is what all of them share, and the settings that only SQL
 * asks for.
 *
 * Settings decide what is issued, approved or recorded, or how much memory a backend
 * takes, so none can be set by an ordinary user.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "base/guc.h"

PG_FUNCTION_INFO_V1(devapp_setting);

bool		devapp_restoring = false;

/* Only SQL asks for these, by devapp_setting(). */
static bool notify = true;
static int	notification_max_attempts = 10;
static int	rotation_max_age = 90;
static char *program_name;
static int	max_apps_per_owner = 100;
static int	max_credentials_per_app = 20;
static int	apigee_kind;

static const struct config_enum_entry apigee_kinds[] = {
	{"api_key", 0, false},
	{"oauth_client", 1, false},
	{NULL, 0, false}
};

static void
define_notification_gucs(void)
{
	DefineCustomBoolVariable("devapp.notify",
							 "Signals new notifications by NOTIFY on the channel devapp.",
							 "If off, notifications are still queued, and workers find them by polling.",
							 &notify,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.notification_max_attempts",
							"Sets the number of failed attempts after which a notification is given up.",
							NULL,
							&notification_max_attempts,
							10, 1, 1000,
							PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.rotation_max_age",
							"Sets the age at which the owner of a secret is reminded to rotate it.",
							"0 disables the reminder.",
							&rotation_max_age,
							90, 0, 36500,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

static void
define_report_gucs(void)
{
	DefineCustomStringVariable("devapp.program_name",
							   "Sets the name of the developer program, which is the title of its dashboard.",
							   NULL,
							   &program_name,
							   "Developer program",
							   PGC_SUSET, 0, NULL, NULL, NULL);
}

/* How much a developer can make of what takes memory and time of others. */
static void
define_self_service_gucs(void)
{
	DefineCustomIntVariable("devapp.max_apps_per_owner",
							"Sets the maximum number of live apps that developers can create per owner.",
							"0 means no limit. Administrators can exceed it.",
							&max_apps_per_owner,
							100, 0, INT_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.max_credentials_per_app",
							"Sets the maximum number of live credentials that developers can issue per app.",
							"0 means no limit. Administrators can exceed it.",
							&max_credentials_per_app,
							20, 0, INT_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

/*
 * A key of Apigee is both, and its management API does not say which is wanted.  Its clients
 * expect a pair, and those that bring one of their own get a client in any case.
 */
static void
define_apigee_gucs(void)
{
	DefineCustomEnumVariable("devapp.apigee_kind",
							 "Sets the kind of the keys that Apigee's management API issues.",
							 "With api_key, the consumer secret is the API key. With oauth_client, it is the secret of the client that the consumer key names.",
							 &apigee_kind,
							 1,
							 apigee_kinds,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

void
base_define_gucs(void)
{
	DefineCustomBoolVariable("devapp.restoring",
							 "Treats changes as the restore of a dump, without audit events and notifications.",
							 NULL,
							 &devapp_restoring,
							 false,
							 PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	define_notification_gucs();
	define_self_service_gucs();
	define_report_gucs();
	define_apigee_gucs();
}

/* After all settings are defined: nobody else makes one that begins with devapp. */
void
base_reserve_gucs(void)
{
	MarkGUCPrefixReserved("devapp");
}

/*
 * SQL: devapp_internal.setting(name), devapp_report.setting(name); unlike
 * current_setting() it loads the library.  The name may have its prefix, with
 * which SHOW and the hint name it.
 */
Datum
devapp_setting(PG_FUNCTION_ARGS)
{
	char	   *given = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool		has_prefix = pg_strncasecmp(given, "devapp.", strlen("devapp.")) == 0;
	char	   *name = has_prefix ? given : psprintf("devapp.%s", given);
	char	   *value = GetConfigOptionByName(name, NULL, true);

	/* the name is not shown: nobody knows what was taken for one */
	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("unrecognized configuration parameter of devapp"),
				 errhint("List the parameters with SELECT name FROM pg_settings WHERE name LIKE 'devapp.%%'.")));
	PG_RETURN_TEXT_P(cstring_to_text(value));
}
