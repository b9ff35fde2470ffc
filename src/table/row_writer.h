/*
 * row_writer.h
 *		Inserts rows into a table of the model, as INSERT does, without a plan.
 */
#ifndef DEVAPP_ROW_WRITER_H
#define DEVAPP_ROW_WRITER_H

#include "postgres.h"

#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "table/catalog.h"

typedef struct RowWriter
{
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *info;
	TransitionCaptureState *capture;
	TupleTableSlot *slot;
	bool	   *is_set;			/* columns that were given a value, or null */
	int			next;			/* where the next column is looked for first */
} RowWriter;

extern void row_writer_open(RowWriter *writer, CatalogIndex index);
extern void row_writer_trust(RowWriter *writer, const char *foreign_key);
extern Datum row_writer_time(void);
extern void row_writer_begin_row(RowWriter *writer);
extern void row_writer_set(RowWriter *writer, const char *column, Oid type, Datum value);
extern void row_writer_set_null(RowWriter *writer, const char *column);
extern void row_writer_set_own(RowWriter *writer, CatalogColumn column, Datum value);
extern void row_writer_set_argument(RowWriter *writer, FunctionCallInfo fcinfo, int n,
									const char *column, Oid type);
extern bool row_writer_put(RowWriter *writer);
extern void row_writer_require_id(RowWriter *writer, const char *column, Datum id);
extern Datum row_writer_row(const RowWriter *writer);
extern void row_writer_close(RowWriter *writer);

#endif							/* DEVAPP_ROW_WRITER_H */
