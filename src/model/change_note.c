/*
 * change_note.c
 *		Why the change that is being made is made.
 *
 * A change of status carries its reason in the row (decision_note).  Other changes,
 * like that of an app's owner, have no column for one: the function that makes the
 * change says the reason here before its UPDATE and takes it back after, and what
 * writes the history reads it in between, in its row triggers.
 *
 * The note is the backend's own.  It is forgotten at the end of the transaction, and
 * when the subtransaction that it was set in is rolled back: an error between
 * setting and taking back must not leave it to the next change.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "model/change_note.h"
#include "model/validate.h"

PG_FUNCTION_INFO_V1(devapp_set_note);
PG_FUNCTION_INFO_V1(devapp_current_note);

static char *note = NULL;
static int	note_level = 0;		/* nesting level of the subtransaction that set it */

static void
forget(void)
{
	if (note != NULL)
		pfree(note);
	note = NULL;
}

static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		forget();
}

static void
subtransaction_ended(SubXactEvent event, SubTransactionId mine,
					 SubTransactionId parent, void *arg)
{
	if (note == NULL || note_level < GetCurrentTransactionNestLevel())
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget();
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		note_level--;
}

const char *
note_current(void)
{
	return note;
}

/* _set_note(note): NULL takes it back */
Datum
devapp_set_note(PG_FUNCTION_ARGS)
{
	static bool registered = false;
	char	   *copy = NULL;

	if (!registered)
	{
		RegisterXactCallback(transaction_ended, NULL);
		RegisterSubXactCallback(subtransaction_ended, NULL);
		registered = true;
	}
	if (!PG_ARGISNULL(0))
	{
		validate_column("change", "note", "description", PG_GETARG_DATUM(0), false);
		copy = MemoryContextStrdup(TopMemoryContext,
								   text_to_cstring(PG_GETARG_TEXT_PP(0)));
	}
	forget();
	note = copy;
	note_level = GetCurrentTransactionNestLevel();
	PG_RETURN_VOID();
}

/* _current_note() */
Datum
devapp_current_note(PG_FUNCTION_ARGS)
{
	if (note == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(note));
}
