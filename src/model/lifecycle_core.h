/*
 * lifecycle_core.h
 *		The lifecycles: which action leads from which status to which.
 *		Needs no backend.
 */
#ifndef DEVAPP_LIFECYCLE_CORE_H
#define DEVAPP_LIFECYCLE_CORE_H

#include <stdbool.h>

extern bool status_entity_exists(const char *entity);
extern bool status_exists(const char *entity, const char *status);
extern bool status_action_exists(const char *entity, const char *action);
extern const char *status_next(const char *entity, const char *status,
							   const char *action);
extern const char *status_action_between(const char *entity, const char *from,
										 const char *to);
extern const char *status_nth_action(const char *entity, const char *status,
									 int n);

#endif							/* DEVAPP_LIFECYCLE_CORE_H */
