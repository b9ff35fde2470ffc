/*
 * id_rows.c
 *		Rows by their ids, in the order in which they were read.
 *
 * Rows of other tables mostly come in the same order, so one is looked for near the last that was
 * found, and only if it is not there by its hash.  The table of hashes is made when it is needed.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/vec.h"
#include "meter/id_rows.h"

#define NEAR_ROWS	4

/* The line of memory that a row goes to is fetched so many rows before. */
#define ROWS_AHEAD	32

void
id_rows_init(IdRows *rows)
{
	*rows = (IdRows) {.room = 1024, .context = CurrentMemoryContext};
	rows->rows = palloc(rows->room * sizeof(IdRow));
}

IdRow *
id_rows_add(IdRows *rows, const pg_uuid_t *id)
{
	IdRow	   *row;

	rows->rows = vec_reserve(rows->rows, rows->n, &rows->room, sizeof(IdRow));
	row = &rows->rows[rows->n++];
	row->id = *id;
	return row;
}

static void
hash_id_rows(IdRows *rows)
{
	id_number_hash *table = id_number_create(rows->context, rows->n, NULL);

	for (int i = 0; i < rows->n; i++)
	{
		bool		found;

		if (i + ROWS_AHEAD < rows->n)
			__builtin_prefetch(&table->data[id_hash(&rows->rows[i + ROWS_AHEAD].id) & table->sizemask], 1);
		id_number_insert(table, rows->rows[i].id, &found)->number = i;
	}
	rows->by_hash = table;
}

static IdRow *
find_by_hash(IdRows *rows, const pg_uuid_t *id)
{
	IdNumber   *entry;

	if (rows->by_hash == NULL)
		hash_id_rows(rows);
	entry = id_number_lookup(rows->by_hash, *id);
	if (entry == NULL)
		return NULL;
	rows->found = (int) entry->number;
	return &rows->rows[entry->number];
}

IdRow *
id_rows_find(IdRows *rows, const pg_uuid_t *id)
{
	int			end = Min(rows->found + NEAR_ROWS, rows->n);

	for (int i = rows->found; i < end; i++)
	{
		if (is_same_id(&rows->rows[i].id, id))
		{
			rows->found = i;
			return &rows->rows[i];
		}
	}
	return find_by_hash(rows, id);
}
