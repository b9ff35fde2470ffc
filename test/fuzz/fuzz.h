/*
 * fuzz.h
 *		What the fuzz targets share: a check that stops the program, memory that
 *		the sanitizers watch, a reader of the input.
 */
#ifndef DEVAPP_FUZZ_H
#define DEVAPP_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/pattern_core.h"

/* libFuzzer calls these */
extern int	LLVMFuzzerInitialize(int *argc, char ***argv);
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert(), but not to be compiled away. */
#define CHECK(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: check failed: %s\n", \
					__FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/*
 * Memory of exactly this size, so that a byte too far is found, and full of
 * rubbish, so that nobody can rely on zeros.
 */
static inline void *
fuzz_alloc(void *arg, size_t size)
{
	void	   *p = malloc(size);

	CHECK(p != NULL);
	return memset(p, 0xA5, size);
}

static inline void
fuzz_release(void *arg, void *ptr)
{
	free(ptr);
}

static inline PatternMemory
fuzz_memory(void)
{
	return (PatternMemory) {fuzz_alloc, fuzz_release, NULL};
}

static inline char *
fuzz_copy(const void *data, size_t len)
{
	char	   *copy = fuzz_alloc(NULL, len);

	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

/* Bytes of the input one by one; zeros after its end. */
typedef struct FuzzInput
{
	const uint8_t *data;
	size_t		len;
} FuzzInput;

static inline unsigned
fuzz_byte(FuzzInput *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->data++;
}

/* A number from 0 to n - 1. */
static inline unsigned
fuzz_below(FuzzInput *in, unsigned n)
{
	return fuzz_byte(in) % n;
}

#endif							/* DEVAPP_FUZZ_H */
