/*
 * validate.h
 *		The rules that column values obey.
 */
#ifndef DEVAPP_VALIDATE_H
#define DEVAPP_VALIDATE_H

#include "postgres.h"

#define NAME_MAX_CHARS			255
#define DESCRIPTION_MAX_CHARS	4000
#define ATTRIBUTES_MAX			18
#define ATTRIBUTE_VALUE_MAX		2048
#define CALLBACK_MAX_BYTES		2048
#define LIST_MAX				1000
#define NETWORKS_MAX			256
#define RATE_MAX				1e9 /* calls a second */

extern void validate_column(const char *entity, const char *column,
							const char *rule, Datum value, bool isnull);
extern bool validate_refuses_formula(const char *rule);
extern void validate_no_formula(const char *entity, const char *column, Datum value);
extern Datum validate_canonical(const char *rule, Datum value);
extern bool validate_is_email(const char *text);

#endif							/* DEVAPP_VALIDATE_H */
