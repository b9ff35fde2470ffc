/*
 * imported.h
 *		The digests of the credentials that are being imported.
 */
#ifndef DEVAPP_IMPORTED_H
#define DEVAPP_IMPORTED_H

#include "postgres.h"

/* The digest that is stored for a credential, by its number in the document; it lasts until the document is stored. */
extern Datum imported_digest(int number);

#endif							/* DEVAPP_IMPORTED_H */
