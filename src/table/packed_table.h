/*
 * packed_table.h
 *		What is packed of which table: between packed_row.c, which reads it, and pack_row.c.
 */
#ifndef DEVAPP_PACKED_TABLE_H
#define DEVAPP_PACKED_TABLE_H

#include "postgres.h"

#include "table/catalog.h"

#define PACKED_FORMAT	2

typedef struct PackedTable
{
	char		kind;
	CatalogIndex index;			/* names the table */
	CatalogColumn subject;
	CatalogColumn item;
	CatalogColumn first;		/* of those that are packed */
	CatalogColumn last;
	char		parent;			/* the kind whose rows these belong to; 0: none */
	CatalogIndex by_parent;
} PackedTable;

#define PACKED_TABLES	9

extern const PackedTable packed_tables[PACKED_TABLES];

/* The head of a body. */
typedef struct BodyHead
{
	uint32		format;
	uint32		present;		/* bit n: column first + n is not null */
} BodyHead;

/* In "present" of an app: none of PACKED_APP_QUOTA belongs to it.  Where it is not set, some may. */
#define BODY_NO_QUOTA	(1U << 31)

/* How much of a body a value takes, if its type says so. */
#define BY_VALUE	((int) sizeof(Datum))
#define VARIABLE	(-1)

extern const PackedTable *packed_table_of_kind(char kind);
extern int	packed_column_size(CatalogColumn column);

#endif							/* DEVAPP_PACKED_TABLE_H */
