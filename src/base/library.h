/*
 * library.h
 *		What the library tells of itself.
 */
#ifndef DEVAPP_LIBRARY_H
#define DEVAPP_LIBRARY_H

#ifndef DEVAPP_VERSION
#error "DEVAPP_VERSION comes from the Makefile"
#endif

/* The last release before, whose catalog the library serves as well; empty: there is none. */
#ifndef DEVAPP_PREVIOUS
#error "DEVAPP_PREVIOUS comes from the Makefile"
#endif

/* It was loaded by the postmaster, so there is shared memory. */
extern bool library_is_preloaded;

#endif							/* DEVAPP_LIBRARY_H */
