/*
 * list.h
 *		Arrays that callers give as lists.
 */
#ifndef DEVAPP_LIST_H
#define DEVAPP_LIST_H

#include "postgres.h"

#include "utils/array.h"

extern bool list_is_plain(ArrayType *array);
extern void list_require_flat(const ArrayType *array, const char *name);
extern void list_require(ArrayType *array, const char *name);

#endif							/* DEVAPP_LIST_H */
