/*
 * guc.c
 *		The settings of devapp.
 *
 * They decide what is issued, approved or recorded, or how much memory a backend
 * takes, so none can be set by an ordinary user.
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "base/guc.h"
#include "key/key_core.h"
#include "seal/checkpoint_core.h"

PG_FUNCTION_INFO_V1(devapp_app_approval_mode);
PG_FUNCTION_INFO_V1(devapp_setting);

char	   *devapp_audit_key_file = NULL;
char	   *devapp_audit_origin = NULL;
char	   *devapp_key_prefix = NULL;
char	   *devapp_pepper_file = NULL;
char	   *devapp_actor = NULL;
char	   *devapp_claims_from = NULL;
int			devapp_app_approval = APPROVAL_AUTO;
int			devapp_cache_size = 8192;
bool		devapp_notify = true;
int			devapp_notification_max_attempts = 10;
int			devapp_rotation_max_age = 90;
int			devapp_seal_interval = 60;
bool		devapp_restoring = false;
bool		devapp_metering = true;
int			devapp_meter_size = 16384;
int			devapp_quota_size = 16384;
int			devapp_flush_interval = 10;
char	   *devapp_primary_conninfo = NULL;
int			devapp_refresh_interval = 15 * 60;
int			devapp_retention_minute = 7 * MINUTES_PER_DAY;
int			devapp_retention_hour = 90 * MINUTES_PER_DAY;
int			devapp_retention_day = 1830 * MINUTES_PER_DAY;

static const struct config_enum_entry approval_options[] = {
	{"auto", APPROVAL_AUTO, false},
	{"manual", APPROVAL_MANUAL, false},
	{"conditional", APPROVAL_CONDITIONAL, false},
	{NULL, 0, false}
};

static bool
check_key_prefix(char **newval, void **extra, GucSource source)
{
	if (key_prefix_is_valid(*newval, strlen(*newval)))
		return true;
	GUC_check_errdetail("A key prefix is 1 to %d characters of a-z and 0-9, the first a letter.",
						KEY_PREFIX_MAX);
	return false;
}

/* Settings of the outbox (sql/tables/notification.sql). */
static void
define_notification_gucs(void)
{
	DefineCustomBoolVariable("devapp.notify",
							 "Signals new notifications by NOTIFY on the channel devapp.",
							 "Off: they are queued all the same, and workers find them when they poll.",
							 &devapp_notify,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.notification_max_attempts",
							"Attempts after which a notification that cannot be delivered is given up.",
							NULL,
							&devapp_notification_max_attempts,
							10, 1, 1000,
							PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.rotation_max_age",
							"Age of a secret, in days, from which on its owner is reminded to rotate it.",
							"0 turns the reminder off.",
							&devapp_rotation_max_age,
							90, 0, 36500,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

static bool
check_audit_origin(char **newval, void **extra, GucSource source)
{
	if (checkpoint_origin_is_valid(*newval, strlen(*newval)))
		return true;
	GUC_check_errdetail("The origin of an audit trail is 1 to %d printable ASCII characters, none of them a space or \"+\".",
						CHECKPOINT_ORIGIN_MAX);
	return false;
}

static void
define_audit_gucs(void)
{
	DefineCustomStringVariable("devapp.audit_key_file",
							   "File with the key that signs checkpoints of the audit trail.",
							   "Empty: checkpoints are not signed.",
							   &devapp_audit_key_file,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	DefineCustomStringVariable("devapp.audit_origin",
							   "Name of this audit trail in its checkpoints, and of the key that signs them.",
							   "Checkpoints that exist keep the name they were made with.",
							   &devapp_audit_origin,
							   "devapp",
							   PGC_SIGHUP, 0, check_audit_origin, NULL, NULL);

	DefineCustomIntVariable("devapp.seal_interval",
							"How often an audit trail that was sealed once is sealed by the worker.",
							"0 leaves sealing to devapp.seal_audit().",
							&devapp_seal_interval,
							60, 0, 7 * MINUTES_PER_DAY,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

static void
define_retention(const char *name, const char *description, int *variable,
				 int days)
{
	DefineCustomIntVariable(name, description, "0 keeps them for ever.",
							variable, days * MINUTES_PER_DAY, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

/* The size is fixed at server start; loaded later there is nothing to size. */
static void
define_metering(void)
{
	DefineCustomIntVariable("devapp.flush_interval",
							"Time between flushes of counted calls to tables.",
							"0 leaves flushing to devapp.flush_usage().",
							&devapp_flush_interval,
							10, 0, 24 * 60 * 60,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.refresh_interval",
							"Time between refreshes of the materialized reports.",
							"0 leaves refreshing to devapp.refresh_reports().",
							&devapp_refresh_interval,
							15 * 60, 0, 7 * 24 * 60 * 60,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.meter_size",
							"Shared memory for counting calls.",
							NULL,
							&devapp_meter_size,
							16384, 1024, 16 * 1024 * 1024,
							process_shared_preload_libraries_in_progress ?
							PGC_POSTMASTER : PGC_SIGHUP,
							GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomBoolVariable("devapp.metering",
							 "Counts verifications and recorded usage, and limits by quotas and rates.",
							 NULL,
							 &devapp_metering,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.quota_size",
							"Shared memory for quotas and rate limits.",
							NULL,
							&devapp_quota_size,
							16384, 1024, 16 * 1024 * 1024,
							process_shared_preload_libraries_in_progress ?
							PGC_POSTMASTER : PGC_SIGHUP,
							GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomStringVariable("devapp.primary_conninfo",
							   "Connection by which a standby sends what it counted to its primary.",
							   "The database is that of the counts. Empty: a standby keeps its counts.",
							   &devapp_primary_conninfo,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	define_retention("devapp.retention_minute", "How long usage by the minute is kept.",
					 &devapp_retention_minute, 7);
	define_retention("devapp.retention_hour", "How long usage by the hour is kept.",
					 &devapp_retention_hour, 90);
	define_retention("devapp.retention_day", "How long usage and latencies by the day are kept.",
					 &devapp_retention_day, 1830);
}

void
devapp_define_gucs(void)
{
	DefineCustomStringVariable("devapp.actor",
							   "The role that called devapp.act_as(), and the e-mail of the person who acts.",
							   NULL,
							   &devapp_actor,
							   "",
							   PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   NULL, NULL, NULL);

	DefineCustomEnumVariable("devapp.app_approval",
							 "Says whether new apps start approved (auto) or pending (manual), or the rules decide (conditional).",
							 "The rules are those of devapp.approval_rule.",
							 &devapp_app_approval,
							 APPROVAL_AUTO,
							 approval_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.cache_size",
							"Memory that a backend may use to remember credentials.",
							"0 turns remembering off.",
							&devapp_cache_size,
							8192, 0, 1024 * 1024,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomStringVariable("devapp.claims_from",
							   "Roles in whose sessions request.jwt.claims says who acts.",
							   "Log-in roles of PostgREST and the like, with commas; * is every role.",
							   &devapp_claims_from,
							   "authenticator",
							   PGC_SUSET, GUC_LIST_INPUT, NULL, NULL, NULL);

	DefineCustomStringVariable("devapp.key_prefix",
							   "First part of new keys.",
							   "Keys that exist keep the prefix they were made with.",
							   &devapp_key_prefix,
							   "dvk",
							   PGC_SUSET, 0, check_key_prefix, NULL, NULL);

	DefineCustomStringVariable("devapp.pepper_file",
							   "File with the numbered peppers that key the digests of secrets.",
							   "Empty: digests are unkeyed.",
							   &devapp_pepper_file,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	DefineCustomBoolVariable("devapp.restoring",
							 "Changes are a restore of a dump: they make no audit events and no notifications.",
							 NULL,
							 &devapp_restoring,
							 false,
							 PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);

	define_audit_gucs();
	define_notification_gucs();
	define_metering();
	MarkGUCPrefixReserved("devapp");
}

/* SQL: devapp.app_approval; unlike current_setting() it loads the library */
Datum
devapp_app_approval_mode(PG_FUNCTION_ARGS)
{
	const struct config_enum_entry *option = approval_options;

	while (option->val != devapp_app_approval)
		option++;
	PG_RETURN_TEXT_P(cstring_to_text(option->name));
}

/* SQL: devapp._setting(name); unlike current_setting() it loads the library */
Datum
devapp_setting(PG_FUNCTION_ARGS)
{
	char	   *name = psprintf("devapp.%s", text_to_cstring(PG_GETARG_TEXT_PP(0)));

	PG_RETURN_TEXT_P(cstring_to_text(GetConfigOptionByName(name, NULL, false)));
}
