/*
 * xact_list.h
 *		Work that ends with a transaction or a subtransaction.
 */
#ifndef DEVAPP_XACT_LIST_H
#define DEVAPP_XACT_LIST_H

#include "postgres.h"

/*
 * The first member of what a caller keeps until then, in memory that lasts as long.
 * end() is called once, after which the item is not in the list any more, so it may
 * free the item.  It must not fail.
 */
typedef struct XactItem
{
	void		(*end) (struct XactItem *item, bool committed);
	const char *no_prepare;		/* why the transaction can't be prepared, or NULL */
	const char *no_prepare_hint;

	/* xact_list.c's own */
	struct XactItem *earlier;
	SubTransactionId owner;
} XactItem;

extern void xact_list_push(XactItem *item);
extern bool xact_list_is_current(const XactItem *item);

#endif							/* DEVAPP_XACT_LIST_H */
