/*
 * name.h
 *		The form in which names are kept and compared.
 */
#ifndef DEVAPP_NAME_H
#define DEVAPP_NAME_H

#include "postgres.h"

#include "base/str.h"

extern size_t name_space_len(const char *s, size_t len);
extern bool name_has_invisible(Str name);
extern text *name_canonical(text *name);

#endif							/* DEVAPP_NAME_H */
