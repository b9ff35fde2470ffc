/*
 * verdict_type.h
 *		The row type devapp.verdict, and its enum.
 */
#ifndef DEVAPP_VERDICT_TYPE_H
#define DEVAPP_VERDICT_TYPE_H

#include "postgres.h"

#include "access/tupdesc.h"

#include "decide/decide_core.h"
#include "decide/verdict_row.h"

/* columns of devapp.verdict, see verdict.c */
#define VERDICT_COLUMNS 19
#define VERDICT_CODE_COLUMN 1

/*
 * The row type of a verdict, and the values of its enum.  The next look-up in the
 * catalog may put other ones in their place: whoever needs desc for longer than
 * until then pins it (PinTupleDesc).
 */
typedef struct VerdictType
{
	TupleDesc	desc;
	RowLayout	layout;
	Oid			codes_type;
	Oid			codes[VERDICT_CODES];	/* InvalidOid: not looked up yet */
} VerdictType;

extern void verdict_type_init(void);
extern VerdictType *verdict_type_find(void);
extern Oid	verdict_code(VerdictType *type, VerdictCode code);
extern Oid	verdict_type_code(VerdictCode code);

#endif							/* DEVAPP_VERDICT_TYPE_H */
