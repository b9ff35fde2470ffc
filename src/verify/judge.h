/*
 * judge.h
 *		What all verifications have in common: their memory, what is remembered, the
 *		decision.
 *
 * These are in the header because they are a good part of a verification's cost.
 */
#ifndef DEVAPP_JUDGE_H
#define DEVAPP_JUDGE_H

#include "postgres.h"

#include "utils/memutils.h"

#include "decide/cache.h"
#include "decide/verdict.h"
#include "key/pepper.h"
#include "quota/quota.h"
#include "standby/standby.h"
#include "table/invalidation.h"
#include "verify/count.h"

/* What a verification allocates; the next one resets it. */
extern MemoryContext verification_context;

static inline MemoryContext
enter_work_context(void)
{
	if (verification_context == NULL)
		verification_context = AllocSetContextCreate(TopMemoryContext,
													 "devapp verification",
													 ALLOCSET_DEFAULT_SIZES);
	else
		MemoryContextReset(verification_context);
	return MemoryContextSwitchTo(verification_context);
}

static inline Verdict
refused_verdict(VerdictCode code)
{
	return (Verdict) {.code = code, .decision = {code, -1, -1}};
}

/* Decide on an entitlement and the secret of it that was presented. */
static inline Verdict
judge_entitlement(CacheFound found, const DecideRequest *request)
{
	Verdict		v = refused_verdict(found.untested ? VERDICT_UNAVAILABLE : VERDICT_NOT_FOUND);

	if (found.entitlement == NULL)
	{
		v.limits.wait = found.wait;
		return v;
	}
	v.secret = found.secret;
	v.decision = decide(&found.entitlement->decide, v.secret, request);
	v.code = v.decision.code;
	v.entitlement = found.entitlement;
	v.environment = request->environment;
	return v;
}

/* How soon to ask again, in microseconds. */
#define STALE_RETRY		USECS_PER_SEC

/*
 * On a standby a verdict may turn out STALE, or may have come too early; true: verify once
 * more.  Whoever verifies ends with this, outside of all choices of what was presented:
 *
 *		bool		waited = false;
 *
 *		do
 *			v = ...;
 *		while (verify_again(&v, &request, &waited));
 */
static inline bool
verify_again(Verdict *v, DecideRequest *request, bool *waited)
{
	StandbyAnswer answer;

	if (likely(!devapp_standby_watch))
		return false;
	answer = standby_answer(v->code, request->now, waited);
	/* a proof counts once, so there is no second look */
	if (answer == STANDBY_LOOK_AGAIN && v->entitlement != NULL && v->entitlement->token != NULL &&
		v->entitlement->token->has_jkt)
		answer = STANDBY_STALE;
	if (answer == STANDBY_STALE)
	{
		*v = refused_verdict(VERDICT_STALE);
		v->limits.wait = STALE_RETRY;
	}
	else if (answer == STANDBY_LOOK_AGAIN)
		request->now = GetCurrentTimestamp();
	return answer == STANDBY_LOOK_AGAIN;
}

/* What is remembered of a credential; not what was verified with a pepper that has gone. */
static inline CacheFound
find_remembered(const CacheTag *tag, TimestampTz now)
{
	if (unlikely(pepper_look_again(now)))
		invalidation_of_everything();
	return cache_find(tag);
}

/* Quota and rate, the count, and the row, in the caller's memory. */
static inline Datum
answer_verdict(Verdict *v, int64 cost, const DecideRequest *request, MemoryContext caller)
{
	v->cost = cost;
	limits_apply(v, request->now);
	count_verdict(v, request->now);
	MemoryContextSwitchTo(caller);
	return verdict_datum(v);
}

#endif							/* DEVAPP_JUDGE_H */
