/*
 * fuzz_lifecycle.c
 *		Fuzz target: the lifecycles.
 *
 * The input is an entity, a status and actions, one a line, taken as they are.  What
 * one function of lifecycle_core.h says of them must fit what the others say, and a row
 * that goes from status to status never gets to one that its lifecycle does not have.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "model/lifecycle_core.h"

static const char *const entities[] = {
	"app", "credential", "credential_product", "developer", "team"
};

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

static bool
is_listed(const char *entity, const char *status, const char *action)
{
	const char *listed;

	for (int i = 0; (listed = lifecycle_nth_action(entity, status, i)) != NULL; i++)
	{
		if (strcmp(listed, action) == 0)
			return true;
	}
	return false;
}

/* Every action that is listed leads on, and is found again by where it leads to. */
static void
check_status(const char *entity, const char *status)
{
	const char *action;

	for (int i = 0; (action = lifecycle_nth_action(entity, status, i)) != NULL; i++)
	{
		const char *next = lifecycle_next(entity, status, action);
		const char *between;

		CHECK(next != NULL && strcmp(next, status) != 0);
		CHECK(lifecycle_exists(entity) && lifecycle_has_status(entity, status));
		CHECK(lifecycle_has_status(entity, next) && lifecycle_has_action(entity, action));
		between = lifecycle_action_between(entity, status, next);
		CHECK(between != NULL && strcmp(lifecycle_next(entity, status, between), next) == 0);
	}
}

/* Returns the status after the action, or the same. */
static const char *
check_action(const char *entity, const char *status, const char *action)
{
	const char *next = lifecycle_next(entity, status, action);
	const char *between;

	if (next == NULL)
	{
		CHECK(!is_listed(entity, status, action));
		return status;
	}
	CHECK(lifecycle_has_action(entity, action));
	CHECK(lifecycle_has_status(entity, status) && lifecycle_has_status(entity, next));
	/* a synonym is not listed, but what it stands for is */
	between = lifecycle_action_between(entity, status, next);
	CHECK(between != NULL && is_listed(entity, status, between));
	return next;
}

/* The words that are written down in the model's tables and in the API of Apigee. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	for (size_t i = 0; i < LENGTH(entities); i++)
		CHECK(lifecycle_exists(entities[i]));
	CHECK(strcmp(lifecycle_next("app", "pending", "approve"), "approved") == 0);
	CHECK(strcmp(lifecycle_next("app", "pending", "approved"), "approved") == 0);
	CHECK(lifecycle_next("app", "deleted", "approve") == NULL);
	CHECK(lifecycle_nth_action("app", "deleted", 0) == NULL);
	CHECK(lifecycle_nth_action("credential", "compromised", 0) == NULL);
	CHECK(!lifecycle_exists("") && !lifecycle_has_status("app", "") && !lifecycle_has_action("app", ""));
	return 0;
}

/* The next line as a string of its own; NULL at the end. */
static char *
next_line(FuzzInput *in)
{
	const uint8_t *end;
	size_t		len;
	char	   *line;

	if (in->len == 0)
		return NULL;
	end = memchr(in->data, '\n', in->len);
	len = end ? (size_t) (end - in->data) : in->len;
	line = fuzz_alloc(NULL, len + 1);
	memcpy(line, in->data, len);
	line[len] = '\0';
	in->data += len + (end != NULL);
	in->len -= len + (end != NULL);
	return line;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	in = {data, size};
	char	   *entity = next_line(&in);
	char	   *first = next_line(&in);
	const char *status = first;
	char	   *action;
	bool		known;

	if (first == NULL)
	{
		free(entity);
		return 0;
	}
	known = lifecycle_has_status(entity, status);
	check_status(entity, status);
	while ((action = next_line(&in)) != NULL)
	{
		status = check_action(entity, status, action);
		CHECK(lifecycle_has_status(entity, status) == known);
		free(action);
	}
	free(first);
	free(entity);
	return 0;
}
