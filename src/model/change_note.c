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
 *
 * Where no function says anything, the setting devapp.change_note does: for functions
 * that have no argument for a note, and for direct statements.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/xact_list.h"
#include "model/change_note.h"
#include "model/validate.h"

PG_FUNCTION_INFO_V1(devapp_set_note);
PG_FUNCTION_INFO_V1(devapp_current_note);

/* The note that a subtransaction set. */
typedef struct NoteItem
{
	XactItem	item;
	char	   *text;			/* NULL: it was taken back */
} NoteItem;

/* the latest one; an earlier note does not come back */
static NoteItem *latest = NULL;

static char *setting;

/* Whoever changes something may say why, so everybody can set it. */
void
change_note_define_gucs(void)
{
	DefineCustomStringVariable("devapp.change_note",
							   "Sets the reason that the audit trail records with changes for which no function is given one.",
							   NULL,
							   &setting,
							   "",
							   PGC_USERSET, 0, NULL, NULL, NULL);
}

static void
forget_note(void)
{
	if (latest != NULL && latest->text != NULL)
		pfree(latest->text);
	if (latest != NULL)
		latest->text = NULL;
}

static void
end_note(XactItem *item, bool committed)
{
	NoteItem   *ended = (NoteItem *) item;

	if (ended == latest)
	{
		forget_note();
		latest = NULL;
	}
	pfree(ended);
}

/* The item of the current subtransaction, which is the latest one then. */
static void
require_item(void)
{
	NoteItem   *made;

	if (latest != NULL && xact_list_is_current(&latest->item))
		return;
	forget_note();
	made = MemoryContextAllocZero(TopMemoryContext, sizeof(NoteItem));
	made->item.end = end_note;
	xact_list_push(&made->item);
	latest = made;
}

static void
require_note(Datum text)
{
	validate_column("change", "note", "description", text, false);
}

const char *
change_note_current(void)
{
	if (latest != NULL && latest->text != NULL)
		return latest->text;
	if (setting == NULL || setting[0] == '\0')
		return NULL;
	require_note(CStringGetTextDatum(setting));
	return setting;
}

/* set_note(note): NULL takes it back */
Datum
devapp_set_note(PG_FUNCTION_ARGS)
{
	char	   *copy = NULL;

	if (!PG_ARGISNULL(0))
	{
		require_note(PG_GETARG_DATUM(0));
		require_item();
		copy = MemoryContextStrdup(TopMemoryContext,
								   text_to_cstring(PG_GETARG_TEXT_PP(0)));
	}
	forget_note();
	if (copy != NULL)
		latest->text = copy;
	PG_RETURN_VOID();
}

/* current_note() */
Datum
devapp_current_note(PG_FUNCTION_ARGS)
{
	const char *note = change_note_current();

	if (note == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(note));
}
