/*
 * procedure.h
 *		What procedures that commit have in common.
 */
#ifndef DEVAPP_PROCEDURE_H
#define DEVAPP_PROCEDURE_H

#include "fmgr.h"

extern bool procedure_may_commit(FunctionCallInfo fcinfo);

#endif							/* DEVAPP_PROCEDURE_H */
