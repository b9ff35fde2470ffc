/*
 * issued_row.h
 *		What a call that makes a secret returns.
 */
#ifndef DEVAPP_ISSUED_ROW_H
#define DEVAPP_ISSUED_ROW_H

#include "postgres.h"

/* The columns of devapp.issued_credential, as sql/credential/types.sql. */
typedef enum IssuedColumn
{
	ISSUED_APP_ID,
	ISSUED_APP_STATUS,
	ISSUED_CREDENTIAL_ID,
	ISSUED_KIND,
	ISSUED_CONSUMER_KEY,
	ISSUED_SECRET,
	ISSUED_VERSION,
	ISSUED_STATUS,
	ISSUED_ENVIRONMENT,
	ISSUED_PRODUCTS,
	ISSUED_EXPIRES_AT,
	ISSUED_PREVIOUS_VALID_UNTIL,
	ISSUED_PENDING_PRODUCTS
} IssuedColumn;

#define ISSUED_COLUMNS	(ISSUED_PENDING_PRODUCTS + 1)

typedef struct IssuedRow
{
	Datum		values[ISSUED_COLUMNS];
	bool		nulls[ISSUED_COLUMNS];
} IssuedRow;

extern void issued_row_describe(IssuedRow *rows, const Datum *credential_ids,
								const NullableDatum *previous, int n);

#endif							/* DEVAPP_ISSUED_ROW_H */
