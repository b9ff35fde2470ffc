/*
 * mask.h
 *		Values of callers, as errors may show them.
 */
#ifndef DEVAPP_MASK_H
#define DEVAPP_MASK_H

#include "postgres.h"

extern char *mask_value(const char *value, size_t len);
extern char *mask_string(const char *value);
extern bool mask_finds_key(const char *value, size_t len);

#endif							/* DEVAPP_MASK_H */
