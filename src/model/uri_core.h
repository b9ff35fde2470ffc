/*
 * uri_core.h
 *		Is this a callback URL that a developer may register?  Needs no backend.
 */
#ifndef DEVAPP_URI_CORE_H
#define DEVAPP_URI_CORE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum UriError
{
	URI_OK,
	URI_NOT_ABSOLUTE,
	URI_BAD_CHARACTER,
	URI_NO_HOST,
	URI_USERINFO,
	URI_BAD_PORT,
	URI_FRAGMENT,
	URI_INSECURE,
	URI_SCHEME_FORBIDDEN
} UriError;

extern UriError uri_check_callback(const char *s, size_t len);
extern const char *uri_error_text(UriError error);

#endif							/* DEVAPP_URI_CORE_H */
