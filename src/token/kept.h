/*
 * kept.h
 *		What a backend keeps of the rows of keys and issuers.
 */
#ifndef DEVAPP_KEPT_H
#define DEVAPP_KEPT_H

#include "postgres.h"

#include "lib/ilist.h"
#include "utils/uuid.h"

#include "token/signature_core.h"

/* The first member of what is kept, which lies in the context. */
typedef struct Kept
{
	dlist_node	node;
	MemoryContext context;
	uint64		loaded_at;
	pg_uuid_t	id;				/* changes of the row are changes of this id */
} Kept;

typedef struct KeptList
{
	dlist_head	head;
	int			count;
} KeptList;

extern void *kept_new(const char *name, Size size, uint64 loaded_at);
extern void kept_add(KeptList *list, Kept *kept);
extern void kept_drop_stale(KeptList *list);
extern void kept_attach_key(TokenKey *key, MemoryContext context);

#endif							/* DEVAPP_KEPT_H */
