/*
 * pattern.h
 *		Resource patterns in a backend.
 */
#ifndef DEVAPP_PATTERN_H
#define DEVAPP_PATTERN_H

#include "postgres.h"

#include "match/pattern_core.h"

extern PatternMemory pattern_memory(MemoryContext context);

#endif							/* DEVAPP_PATTERN_H */
