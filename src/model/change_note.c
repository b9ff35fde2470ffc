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

#include "utils/builtins.h"
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

const char *
change_note_current(void)
{
	return latest != NULL ? latest->text : NULL;
}

/* set_note(note): NULL takes it back */
Datum
devapp_set_note(PG_FUNCTION_ARGS)
{
	char	   *copy = NULL;

	if (!PG_ARGISNULL(0))
	{
		validate_column("change", "note", "description", PG_GETARG_DATUM(0), false);
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
	if (change_note_current() == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(change_note_current()));
}
