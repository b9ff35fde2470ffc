/*
 * verdict.h
 *		The answer of a verification, as a row of devapp.verdict.
 */
#ifndef DEVAPP_VERDICT_H
#define DEVAPP_VERDICT_H

#include "postgres.h"

#include "decide/decide_core.h"
#include "decide/entitlement.h"
#include "decide/verdict_type.h"

/* Under this name all environments are counted that no product or credential names. */
#define OTHER_ENVIRONMENT	"(other)"

/* What quota and rate say to a call; see quota.c. */
typedef struct VerdictLimits
{
	bool		has_quota;
	int64		limit;
	int64		remaining;
	int64		reset_at;		/* QUOTA_TIME_MAX: never */
	int64		wait;			/* microseconds; RATE_NEVER: waiting does not help */
	bool		no_room;		/* refused because memory is full */
	bool		leased;			/* allowed by a lease, which tells what it took */
} VerdictLimits;

/* What was found out.  Without an entitlement the code is all there is. */
typedef struct Verdict
{
	VerdictCode code;
	const Entitlement *entitlement;
	const DecideSecret *secret;
	Decision	decision;
	Str			environment;	/* that was asked for */
	int64		cost;			/* what it takes from quota and rate, if it is valid */
	VerdictLimits limits;
} Verdict;

/*
 * An answer that what quota and rate say is still to be put into.  It refers to no
 * entitlement, and its row type is pinned, so SQL may run before it is finished.
 */
typedef struct UnfinishedVerdict
{
	VerdictType type;
	Datum		row;
} UnfinishedVerdict;

extern void verdict_environment(const Verdict *verdict, char *environment,
								int room);
extern Datum verdict_datum(const Verdict *verdict);
extern UnfinishedVerdict verdict_begin(const Verdict *verdict);
extern Datum verdict_finish(UnfinishedVerdict *unfinished, VerdictCode code,
							const VerdictLimits *limits);

#endif							/* DEVAPP_VERDICT_H */
