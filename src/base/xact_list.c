/*
 * xact_list.c
 *		Work that ends with a transaction or a subtransaction.
 *
 * An item belongs to the subtransaction that pushed it.  When that commits, the item
 * goes over to its parent; when it is rolled back, the item ends, without having been
 * committed.  The latest item ends first.
 *
 * A prepared transaction could still do either, at a time when nobody is there to see
 * to it.  So an item may refuse that; one that doesn't ends as if it was rolled back.
 */
#include "postgres.h"

#include "access/xact.h"

#include "base/compat.h"
#include "base/xact_list.h"

/* of the transaction under way, the latest first */
static XactItem *items = NULL;

static void
end_latest(bool committed)
{
	XactItem   *item = items;

	items = item->earlier;
	item->end(item, committed);
}

static void
require_preparable(void)
{
	for (XactItem *item = items; item != NULL; item = item->earlier)
	{
		if (item->no_prepare != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s", item->no_prepare),
					 errhint("%s", item->no_prepare_hint)));
	}
}

static void
transaction_ends(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_PREPARE)
		require_preparable();
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	while (items != NULL)
		end_latest(event == XACT_EVENT_COMMIT);
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId mine,
					SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		while (items != NULL && items->owner == mine)
			end_latest(false);
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (XactItem *item = items; item != NULL && item->owner == mine; item = item->earlier)
			item->owner = parent;
	}
}

/*
 * Queue item->end(committed) for the end of the current (sub)transaction; a rolled back
 * subtransaction ends its own items with false.
 */
void
xact_list_push(XactItem *item)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(transaction_ends, NULL);
		RegisterSubXactCallback(subtransaction_ends, NULL);
		registered = true;
	}
	item->owner = GetCurrentSubTransactionId();
	item->earlier = items;
	items = item;
}

/* Does an item that was pushed belong to the current subtransaction? */
bool
xact_list_is_current(const XactItem *item)
{
	return item->owner == GetCurrentSubTransactionId();
}
