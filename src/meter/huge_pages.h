/*
 * huge_pages.h
 *		Memory for large hash tables.
 *
 * In pages of the usual size, finding the page takes longer than the rest.  For simplehash.h
 * with SH_USE_NONDEFAULT_ALLOCATOR.
 */
#ifndef DEVAPP_HUGE_PAGES_H
#define DEVAPP_HUGE_PAGES_H

#include "postgres.h"

#include <sys/mman.h>
#include <unistd.h>

#include "utils/memutils.h"

/* zeroed */
static inline void *
huge_pages_allocate(MemoryContext context, Size size)
{
	char	   *chunk = MemoryContextAllocHuge(context, size);

#ifdef MADV_HUGEPAGE
	char	   *first_page = (char *) TYPEALIGN(sysconf(_SC_PAGESIZE), chunk);

	/* if there are none, usual ones will do */
	if (size >= 4 * 1024 * 1024)
		(void) madvise(first_page, chunk + size - first_page, MADV_HUGEPAGE);
#endif
	return memset(chunk, 0, size);
}

/* Defines the two functions that a simplehash with this prefix calls. */
#define HUGE_PAGES_FOR(prefix) \
	static inline void * \
	prefix##_allocate(prefix##_hash *table, Size size) \
	{ \
		return huge_pages_allocate(table->ctx, size); \
	} \
	static inline void \
	prefix##_free(prefix##_hash *table, void *chunk) \
	{ \
		pfree(chunk); \
	}

#endif							/* DEVAPP_HUGE_PAGES_H */
