/*
 * process.h
 *		What the processes that work in a database share.
 */
#ifndef DEVAPP_PROCESS_H
#define DEVAPP_PROCESS_H

#include "postgres.h"

#include "meter/registry.h"

/* A call of a function of the schema devapp_internal, or of one of ours in C. */
typedef struct Step
{
	const char *function;
	int			nargs;			/* 0 to 2 */
	const Oid  *types;
	Datum		args[2];
	char	   *answer;			/* what it returned as text, in TopMemoryContext; NULL: null, or nothing */
	void		(*run) (struct Step *step);	/* not NULL: in the place of a function of SQL, and as the superuser that the process is */
	const void *data;			/* for that */
	bool		waits;			/* that it waited for a lock for too long is no error: STEP_NOT_NOW */
} Step;

typedef enum StepResult
{
	STEP_DONE,
	STEP_MISSING,				/* there is no such function */
	STEP_NOT_NOW,				/* it says no, or must not run now */
	STEP_FAILED
} StepResult;

extern void process_connect(Oid database, const char *application_name);
extern bool process_finds_extension(void);
extern StepResult process_may_work(RegistryJob job);
extern bool step_is_done(StepResult result);
extern StepResult process_try_step(Step *step, RegistryJob job);
extern bool process_try_steps(const char *const *functions, size_t n, RegistryJob job);

#endif							/* DEVAPP_PROCESS_H */
