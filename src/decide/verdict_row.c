/*
 * verdict_row.c
 *		Forming the row of a verdict.
 *
 * heap_form_tuple() looks at each column twice, and each time asks the descriptor how
 * it is stored; that was two fifths of a verification of a remembered key.  Here that is worked out
 * once for the row type, and the row is written in one pass, into room that is
 * enough in any case.  The head is a copy of what heap_form_tuple() puts before a row in which all is null:
 * minor releases have changed what is in there.  So there is a bitmap of nulls also where nothing is null.
 *
 * Values are as the verification has them: in memory, neither compressed nor stored out of line.
 */
#include "postgres.h"

#include "access/htup_details.h"

#include "base/compat.h"
#include "decide/verdict_row.h"

static int
bytes_of_alignment(char code)
{
	switch (code)
	{
		case TYPALIGN_CHAR:
			return 1;
		case TYPALIGN_SHORT:
			return ALIGNOF_SHORT;
		case TYPALIGN_INT:
			return ALIGNOF_INT;
		default:
			return ALIGNOF_DOUBLE;
	}
}

static RowColumn
column_layout(TupleDesc desc, int column)
{
	Form_pg_attribute att = TupleDescAttr(desc, column);
	RowColumn	c = {.size = att->attlen, .align = bytes_of_alignment(att->attalign)};

	if (att->attlen == -1)
		c.kind = att->attstorage == TYPSTORAGE_PLAIN ? ROW_VARLENA : ROW_SHORTENED;
	else if (att->attlen < 0 || (att->attbyval && att->attlen == 2))
		elog(ERROR, "column %d of a verdict cannot be stored", column + 1);
	else if (!att->attbyval)
		c.kind = ROW_FIXED;
	else
		c.kind = att->attlen == 1 ? ROW_ONE_BYTE :
			att->attlen == 4 ? ROW_FOUR_BYTES : ROW_EIGHT_BYTES;
	return c;
}

static inline char *
put_bytes(char *to, const void *from, Size size)
{
	memcpy(to, from, size);
	return to + size;
}

static char *
put_varlena(char *to, const RowColumn *c, const char *value)
{
	if (VARATT_IS_SHORT(value))
		return put_bytes(to, value, VARSIZE_SHORT(value));
	if (c->kind == ROW_SHORTENED && VARATT_CAN_MAKE_SHORT(value))
	{
		Size		size = VARATT_CONVERTED_SHORT_SIZE(value);

		SET_VARSIZE_SHORT(to, size);
		return put_bytes(to + 1, VARDATA(value), size - 1);
	}
	return put_bytes((char *) TYPEALIGN(c->align, to), value, VARSIZE(value));
}

static inline char *
put_value(char *to, const RowColumn *c, Datum value)
{
	if (c->size < 0)
		return put_varlena(to, c, DatumGetPointer(value));
	to = (char *) TYPEALIGN(c->align, to);
	switch (c->kind)
	{
		case ROW_ONE_BYTE:
			*to = DatumGetChar(value);
			return to + 1;
		case ROW_FOUR_BYTES:
			return put_bytes(to, &(int32) {DatumGetInt32(value)}, sizeof(int32));
		case ROW_EIGHT_BYTES:
			return put_bytes(to, &value, sizeof(value));
		default:
			return put_bytes(to, DatumGetPointer(value), (Size) c->size);
	}
}

/* How the rows of a type are stored. */
void
row_lay_out(RowLayout *layout, TupleDesc desc)
{
	Datum		values[ROW_COLUMNS] = {0};
	bool		nulls[ROW_COLUMNS];
	HeapTuple	empty;

	if (desc->natts > ROW_COLUMNS)
		elog(ERROR, "a verdict has %d columns", desc->natts);
	memset(nulls, true, sizeof(nulls));
	empty = heap_form_tuple(desc, values, nulls);
	layout->ncolumns = desc->natts;
	layout->head_size = empty->t_data->t_hoff;
	memcpy(layout->head, empty->t_data, (size_t) layout->head_size);
	heap_freetuple(empty);
	layout->fixed_room = layout->head_size;
	layout->nvarying = 0;
	for (int i = 0; i < desc->natts; i++)
	{
		RowColumn  *c = &layout->columns[i];

		*c = column_layout(desc, i);
		layout->fixed_room += c->align + Max(c->size, 0);
		if (c->size < 0)
			layout->varying[layout->nvarying++] = (uint8) i;
	}
}

/* As much as the row can take. */
static inline Size
most_room(const RowLayout *layout, const Datum *values, const bool *nulls)
{
	Size		room = (Size) layout->fixed_room;

	for (int i = 0; i < layout->nvarying; i++)
	{
		int			column = layout->varying[i];

		if (!nulls[column])
			room += VARSIZE_ANY(DatumGetPointer(values[column]));
	}
	return room;
}

/* A row as a datum, in the current memory context. */
Datum
row_form(const RowLayout *layout, const Datum *values, const bool *nulls)
{
	HeapTupleHeader row = palloc0(most_room(layout, values, nulls));
	char	   *to = put_bytes((char *) row, layout->head, (Size) layout->head_size);
	uint32		present = 0;

	for (int i = 0; i < layout->ncolumns; i++)
	{
		if (nulls[i])
			continue;
		present |= 1U << i;
		to = put_value(to, &layout->columns[i], values[i]);
	}
	for (int i = 0; i < layout->ncolumns; i += BITS_PER_BYTE)
		row->t_bits[i / BITS_PER_BYTE] = (uint8) (present >> i);
	row->t_infomask |= HEAP_HASVARWIDTH;
	HeapTupleHeaderSetDatumLength(row, to - (char *) row);
	return PointerGetDatum(row);
}
