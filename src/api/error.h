/*
 * error.h
 *		Errors as answers to a request.
 */
#ifndef DEVAPP_API_ERROR_H
#define DEVAPP_API_ERROR_H

#include "postgres.h"

#include "utils/elog.h"

#include "api/route.h"

/* The SQLSTATE of an error that is a status: 'DV' and its three digits. */
#define HTTP_ERRCODE(status) \
	MAKE_SQLSTATE('D', 'V', '0' + (status) / 100, '0' + (status) / 10 % 10, '0' + (status) % 10)

/* An answer in the place of the one that failed. */
typedef struct ErrorAnswer
{
	int			status;
	const char *body;			/* JSON; NULL: none */
	const char *message;		/* what it says, where there is none */
} ErrorAnswer;

extern ErrorAnswer error_answer(const ErrorData *error, ErrorForm form, bool is_unproved);

#endif							/* DEVAPP_API_ERROR_H */
