/*
 * token_secret.h
 *		Tokens that are the secrets of credentials.
 */
#ifndef DEVAPP_TOKEN_SECRET_H
#define DEVAPP_TOKEN_SECRET_H

extern void token_secret_init(void);

#endif							/* DEVAPP_TOKEN_SECRET_H */
