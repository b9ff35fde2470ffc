/*
 * http_core.h
 *		What a request over HTTP is made of.  Needs no backend.
 */
#ifndef DEVAPP_HTTP_CORE_H
#define DEVAPP_HTTP_CORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define HTTP_BODY_MAX		(1024 * 1024)
#define HTTP_PARAMETERS_MAX	256

typedef struct HttpParameter
{
	Str			name;
	Str			value;
} HttpParameter;

/* In the order in which they were sent; a name may stand twice. */
typedef struct HttpParameters
{
	int			count;
	HttpParameter items[HTTP_PARAMETERS_MAX];
} HttpParameters;

/* Type of a body. */
typedef enum HttpMedia
{
	HTTP_MEDIA_NONE,			/* not said, or only that it is bytes */
	HTTP_MEDIA_FORM,
	HTTP_MEDIA_JSON,
	HTTP_MEDIA_OTHER
} HttpMedia;

typedef enum HttpScheme
{
	HTTP_SCHEME_NONE,
	HTTP_SCHEME_BASIC,
	HTTP_SCHEME_BEARER,
	HTTP_SCHEME_DPOP,
	HTTP_SCHEME_BROKEN			/* another one, or malformed */
} HttpScheme;

typedef struct HttpAuthorization
{
	HttpScheme	scheme;
	Str			user;			/* of Basic */
	Str			password;
	Str			token;			/* of the others */
} HttpAuthorization;

extern bool http_path_is_good(Str path);
extern bool http_read_path(Str pattern, Str path, char *room, HttpParameters *params);
extern bool http_read_parameters(Str text, char *room, HttpParameters *params);
extern bool http_read_form_value(Str text, char *room, Str *value);
extern HttpAuthorization http_read_authorization(Str value, char *room);
extern HttpMedia http_media_of(Str content_type, Str body);
extern bool http_is_ascii(Str s);
extern bool http_accepts_json(Str accept);
extern bool http_is_token(Str s);
extern bool http_is_field_value(Str s);

#endif							/* DEVAPP_HTTP_CORE_H */
