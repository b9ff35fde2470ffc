/*
 * kept.c
 *		What a backend keeps of the rows of keys and issuers.
 *
 * There are few of them, so lists do.  Each lies in a memory context of its own, together
 * with the keys that were made ready of it, and is right until its row changes
 * (invalidation.c).
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/compat.h"
#include "table/invalidation.h"
#include "token/kept.h"

/* All are dropped when there are this many. */
#define KEPT_MAX	64

/* Room for a new one, in a context of its own below the current one. */
void *
kept_new(const char *name, Size size, uint64 loaded_at)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "devapp keys of tokens",
												  ALLOCSET_SMALL_SIZES);
	Kept	   *kept = MemoryContextAllocZero(context, size);

	MemoryContextSetIdentifier(context, name);
	kept->context = context;
	kept->loaded_at = loaded_at;
	return kept;
}

/* From now on it stays until it is dropped. */
void
kept_add(KeptList *list, Kept *kept)
{
	invalidation_watch(&kept->id);
	MemoryContextSetParent(kept->context, TopMemoryContext);
	dlist_push_head(&list->head, &kept->node);
	list->count++;
}

/* Drop what has changed, and everything if it is too much. */
void
kept_drop_stale(KeptList *list)
{
	dlist_mutable_iter i;
	bool		too_many = list->count >= KEPT_MAX;

	dlist_foreach_modify(i, &list->head)
	{
		Kept	   *kept = dlist_container(Kept, node, i.cur);

		if (!too_many && !invalidation_since(kept->loaded_at, &kept->id))
			continue;
		dlist_delete(&kept->node);
		list->count--;
		MemoryContextDelete(kept->context);
	}
}

static void
free_key(void *key)
{
	token_key_free(key);
}

/* Let a key go with a memory context, or now if that cannot be noted. */
void
kept_attach_key(TokenKey *key, MemoryContext context)
{
	MemoryContextCallback *callback = MemoryContextAllocExtended(context, sizeof(MemoryContextCallback),
																 MCXT_ALLOC_NO_OOM);

	if (callback != NULL)
	{
		callback->func = free_key;
		callback->arg = key;
		MemoryContextRegisterResetCallback(context, callback);
		return;
	}
	token_key_free(key);
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory")));
}
