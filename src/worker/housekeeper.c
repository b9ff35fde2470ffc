/*
 * housekeeper.c
 *		The process that does what only time brings: partitions, seals, reminders,
 *		reports.
 *
 * Each step decides by itself whether it is due.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "meter/registry.h"
#include "worker/housekeeper.h"
#include "worker/partition_end.h"
#include "worker/process.h"

PGDLLEXPORT void devapp_housekeeper_main(Datum arg);

static const char *const housekeeper_steps[] = {
	"maintain_usage_if_due",
	"maintain_audit_if_due",
	"schedule_notifications_if_due",
	"notify_quotas_if_due",
	"seal_audit_if_due",
	"renew_signing_keys_if_due",
	"forget_revoked_tokens_if_due",
	"forget_used_assertions_if_due",
	"refresh_reports_if_due"
};

/* ---------- settings ---------- */

/* seconds; the step that refreshes reports asks for it */
static int	refresh_interval = 15 * 60;

void
housekeeper_define_gucs(void)
{
	DefineCustomIntVariable("devapp.refresh_interval",
							"Sets the time between refreshes of the materialized reports.",
							"0 leaves refreshing to devapp.refresh_reports().",
							&refresh_interval,
							15 * 60, 0, 7 * 24 * 60 * 60,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
}

/* ---------- the process ---------- */

void
devapp_housekeeper_main(Datum arg)
{
	StepResult	may;

	process_connect(DatumGetObjectId(arg), "devapp housekeeper");
	if (!process_finds_extension())
		proc_exit(0);
	may = process_may_work(JOB_HOUSEKEEPING);
	/* where it has to keep out nothing is due */
	if (may == STEP_NOT_NOW ||
		(step_is_done(may) &&
		 process_try_steps(housekeeper_steps, lengthof(housekeeper_steps), JOB_HOUSEKEEPING) &&
		 partition_end_all()))
		registry_report_housekeeping();
	proc_exit(0);
}
