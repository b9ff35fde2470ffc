/*
 * reference_path.h
 *		Which part of a request is the path, and may it be decided on?  Slow and
 *		plain, to compare with.
 */
#ifndef DEVAPP_REFERENCE_PATH_H
#define DEVAPP_REFERENCE_PATH_H

#include <stdbool.h>
#include <stddef.h>

extern size_t reference_without_query(const char *path, size_t len);
extern bool reference_is_safe(const char *path, size_t len);
extern size_t reference_normal_form(const char *path, size_t len, char *out);

#endif							/* DEVAPP_REFERENCE_PATH_H */
