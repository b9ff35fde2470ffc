/*
 * id_rows.h
 *		Rows by their ids, in the order in which they were read.
 */
#ifndef DEVAPP_ID_ROWS_H
#define DEVAPP_ID_ROWS_H

#include "postgres.h"

#include "meter/id_number.h"

typedef struct IdRow
{
	pg_uuid_t	id;
	uint32		number;			/* for whoever put it in */
	uint8		flags;
} IdRow;

typedef struct IdRows
{
	IdRow	   *rows;
	int			n;
	int			room;
	int			found;			/* the last one */
	MemoryContext context;
	id_number_hash *by_hash;
} IdRows;

extern void id_rows_init(IdRows *rows);
extern IdRow *id_rows_add(IdRows *rows, const pg_uuid_t *id);

/* All rows have been added. */
extern IdRow *id_rows_find(IdRows *rows, const pg_uuid_t *id);

#endif							/* DEVAPP_ID_ROWS_H */
