/*
 * lifecycle_core.h
 *		The lifecycles: which action leads from which status to which.
 *		Needs no backend.
 */
#ifndef DEVAPP_LIFECYCLE_CORE_H
#define DEVAPP_LIFECYCLE_CORE_H

#include <stdbool.h>

extern bool lifecycle_exists(const char *entity);
extern bool lifecycle_has_status(const char *entity, const char *status);
extern bool lifecycle_has_action(const char *entity, const char *action);

/* The word for an action that is written in any case, or in Apigee's words. */
extern const char *lifecycle_action_name(const char *action);
extern const char *lifecycle_next(const char *entity, const char *status,
								  const char *action);
extern const char *lifecycle_action_between(const char *entity, const char *from,
											const char *to);
extern const char *lifecycle_nth_action(const char *entity, const char *status,
										int n);

#endif							/* DEVAPP_LIFECYCLE_CORE_H */
