/*
 * approval_mode.c
 *		How new apps start.
 *
 * The functions that make apps are SQL; they ask for the setting here.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "model/approval_mode.h"

PG_FUNCTION_INFO_V1(devapp_app_approval_mode);

typedef enum ApprovalMode
{
	APPROVAL_AUTO,
	APPROVAL_MANUAL,
	APPROVAL_CONDITIONAL
} ApprovalMode;

static int	app_approval = APPROVAL_AUTO;

static const struct config_enum_entry approval_options[] = {
	{"auto", APPROVAL_AUTO, false},
	{"manual", APPROVAL_MANUAL, false},
	{"conditional", APPROVAL_CONDITIONAL, false},
	{NULL, 0, false}
};

void
approval_mode_define_gucs(void)
{
	DefineCustomEnumVariable("devapp.app_approval",
							 "Says whether new apps start approved (auto) or pending (manual), or the rules decide (conditional).",
							 "The rules are those of devapp.approval_rule.",
							 &app_approval,
							 APPROVAL_AUTO,
							 approval_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

/* SQL: devapp.app_approval; unlike current_setting() it loads the library */
Datum
devapp_app_approval_mode(PG_FUNCTION_ARGS)
{
	const struct config_enum_entry *option = approval_options;

	while (option->val != app_approval)
		option++;
	PG_RETURN_TEXT_P(cstring_to_text(option->name));
}
