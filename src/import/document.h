/*
 * document.h
 *		The secrets of a document that is being imported.
 */
#ifndef DEVAPP_DOCUMENT_H
#define DEVAPP_DOCUMENT_H

#include "postgres.h"

#include "base/str.h"

extern Str	document_secret(int number);

#endif							/* DEVAPP_DOCUMENT_H */
