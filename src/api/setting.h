/*
 * setting.h
 *		The settings of the API over HTTP.
 */
#ifndef DEVAPP_API_SETTING_H
#define DEVAPP_API_SETTING_H

#include "postgres.h"

#include "base/str.h"

extern void api_define_gucs(void);
extern bool api_has_origins(void);
extern bool api_origin_is_allowed(Str origin);
extern Str	api_base_url(void);

#endif							/* DEVAPP_API_SETTING_H */
