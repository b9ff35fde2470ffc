/*
 * token_setting.h
 *		The settings of tokens.
 */
#ifndef DEVAPP_TOKEN_SETTING_H
#define DEVAPP_TOKEN_SETTING_H

#include "postgres.h"

#include "token/signature_core.h"

extern int	token_max_lifetime; /* seconds */

/* devapp.issuer as it is set; empty if it is not */
extern const char *token_issuer_setting(void);
/* devapp.issuer, or urn:devapp:<database>; in the current memory context */
extern char *token_issuer_name(void);

/* devapp.token_alg: what signs unless the caller says otherwise */
extern TokenAlg token_default_alg(void);
/* The algorithm of that name, in whatever case, or an error. */
extern TokenAlg token_require_alg(Str name);

extern void token_setting_define_gucs(void);

#endif							/* DEVAPP_TOKEN_SETTING_H */
