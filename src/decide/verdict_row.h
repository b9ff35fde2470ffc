/*
 * verdict_row.h
 *		Forming the row of a verdict.
 */
#ifndef DEVAPP_VERDICT_ROW_H
#define DEVAPP_VERDICT_ROW_H

#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"

/* How a column is stored. */
typedef struct RowColumn
{
	enum
	{
		ROW_ONE_BYTE,
		ROW_FOUR_BYTES,
		ROW_EIGHT_BYTES,
		ROW_FIXED,				/* by reference, of "size" bytes */
		ROW_SHORTENED,			/* a varlena, with a short header where it fits */
		ROW_VARLENA
	}			kind;
	int			size;
	int			align;
} RowColumn;

/* The most columns that a row may have. */
#define ROW_COLUMNS	32

/*
 * How a row is stored: the head of one in which all is null, and each column.  fixed_room is
 * enough for the head and for columns of fixed size, with what lies between columns.  From 18
 * on BITMAPLEN() is a function, which has no place in the size of an array.
 */
typedef struct RowLayout
{
	int			ncolumns;
	int			nvarying;
	uint8		varying[ROW_COLUMNS];	/* columns whose values have a size of their own */
	int			fixed_room;
	int			head_size;
	char		head[MAXALIGN(SizeofHeapTupleHeader + (ROW_COLUMNS + 7) / 8)];
	RowColumn	columns[ROW_COLUMNS];
} RowLayout;

extern void row_lay_out(RowLayout *layout, TupleDesc desc);
extern Datum row_form(const RowLayout *layout, const Datum *values, const bool *nulls);

#endif							/* DEVAPP_VERDICT_ROW_H */
