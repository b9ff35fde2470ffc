/*
 * lifecycle_core.c
 *		The lifecycles: which action leads from which status to which.
 *		Needs no backend.
 *
 * This table is the only place that knows.  Functions ask it for the next
 * status, and the guard trigger asks it whether a direct UPDATE is a step that
 * some action could have taken.
 *
 * From "compromised" no action leads: a credential that was revoked because somebody
 * else may know its secret.  Verdicts call it revoked.
 */
#include "model/lifecycle_core.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"

typedef struct Transition
{
	const char *entity;
	const char *from;
	const char *action;
	const char *to;
} Transition;

static const Transition transitions[] = {
	{"app", "pending", "approve", "approved"},
	{"app", "pending", "reject", "rejected"},
	{"app", "pending", "delete", "deleted"},
	{"app", "rejected", "resubmit", "pending"},
	{"app", "rejected", "delete", "deleted"},
	{"app", "approved", "suspend", "suspended"},
	{"app", "approved", "revoke", "revoked"},
	{"app", "approved", "delete", "deleted"},
	{"app", "suspended", "resume", "approved"},
	{"app", "suspended", "revoke", "revoked"},
	{"app", "suspended", "delete", "deleted"},
	{"app", "revoked", "approve", "approved"},
	{"app", "revoked", "delete", "deleted"},

	{"credential", "approved", "revoke", "revoked"},
	{"credential", "approved", "compromise", "compromised"},
	{"credential", "revoked", "approve", "approved"},
	{"credential", "revoked", "compromise", "compromised"},

	{"credential_product", "pending", "approve", "approved"},
	{"credential_product", "pending", "revoke", "revoked"},
	{"credential_product", "approved", "revoke", "revoked"},
	{"credential_product", "revoked", "approve", "approved"},

	{"developer", "active", "deactivate", "inactive"},
	{"developer", "inactive", "activate", "active"},

	{"signing_key", "next", "activate", "active"},
	{"signing_key", "next", "retire", "retired"},
	{"signing_key", "active", "retire", "retired"},

	{"team", "active", "deactivate", "inactive"},
	{"team", "inactive", "activate", "active"},
};

#define NTRANSITIONS	(sizeof(transitions) / sizeof(transitions[0]))

/* Apigee's words for the same actions */
static const char *const synonyms[][2] = {
	{"approved", "approve"},
	{"revoked", "revoke"},
	{"active", "activate"},
	{"inactive", "deactivate"},
};

static bool
same_word(const char *a, const char *b)
{
	return str_equal_nocase((Str) {a, strlen(a)}, b, strlen(b));
}

const char *
lifecycle_action_name(const char *action)
{
	for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++)
	{
		if (same_word(action, synonyms[i][0]))
			return synonyms[i][1];
	}
	for (size_t i = 0; i < NTRANSITIONS; i++)
	{
		if (same_word(action, transitions[i].action))
			return transitions[i].action;
	}
	return action;
}

bool
lifecycle_exists(const char *entity)
{
	for (size_t i = 0; i < NTRANSITIONS; i++)
	{
		if (strcmp(transitions[i].entity, entity) == 0)
			return true;
	}
	return false;
}

bool
lifecycle_has_status(const char *entity, const char *status)
{
	for (size_t i = 0; i < NTRANSITIONS; i++)
	{
		if (strcmp(transitions[i].entity, entity) == 0 &&
			(strcmp(transitions[i].from, status) == 0 ||
			 strcmp(transitions[i].to, status) == 0))
			return true;
	}
	return false;
}

bool
lifecycle_has_action(const char *entity, const char *action)
{
	action = lifecycle_action_name(action);
	for (size_t i = 0; i < NTRANSITIONS; i++)
	{
		if (strcmp(transitions[i].entity, entity) == 0 &&
			strcmp(transitions[i].action, action) == 0)
			return true;
	}
	return false;
}

/* The status after an action, or NULL if the action is not legal there. */
const char *
lifecycle_next(const char *entity, const char *status, const char *action)
{
	action = lifecycle_action_name(action);
	for (size_t i = 0; i < NTRANSITIONS; i++)
	{
		if (strcmp(transitions[i].entity, entity) == 0 &&
			strcmp(transitions[i].from, status) == 0 &&
			strcmp(transitions[i].action, action) == 0)
			return transitions[i].to;
	}
	return NULL;
}

/* The action that leads from one status to another, or NULL. */
const char *
lifecycle_action_between(const char *entity, const char *from, const char *to)
{
	for (size_t i = 0; i < NTRANSITIONS; i++)
	{
		if (strcmp(transitions[i].entity, entity) == 0 &&
			strcmp(transitions[i].from, from) == 0 &&
			strcmp(transitions[i].to, to) == 0)
			return transitions[i].action;
	}
	return NULL;
}

/* The nth action that is legal in a status, for hints; NULL past the last. */
const char *
lifecycle_nth_action(const char *entity, const char *status, int n)
{
	for (size_t i = 0; i < NTRANSITIONS; i++)
	{
		if (strcmp(transitions[i].entity, entity) == 0 &&
			strcmp(transitions[i].from, status) == 0 &&
			n-- == 0)
			return transitions[i].action;
	}
	return NULL;
}
