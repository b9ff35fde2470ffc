/*
 * verdict.h
 *		The answer of a verification, as a row of devapp.verdict.
 */
#ifndef DEVAPP_VERDICT_H
#define DEVAPP_VERDICT_H

#include "postgres.h"

#include "decide_core.h"
#include "entitlement.h"

/* What was found out.  Without an entitlement the code is all there is. */
typedef struct Verdict
{
	VerdictCode code;
	const Entitlement *entitlement;
	const EntitlementSecret *secret;
	Decision	decision;
	Str			environment;	/* that was asked for */
	int32		cost;			/* what it takes from quota and rate, if it is valid */
} Verdict;

extern Datum verdict_datum(const Verdict *verdict);

#endif							/* DEVAPP_VERDICT_H */
