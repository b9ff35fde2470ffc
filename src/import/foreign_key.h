/*
 * foreign_key.h
 *		Are there keys that other systems made?
 */
#ifndef DEVAPP_FOREIGN_KEY_H
#define DEVAPP_FOREIGN_KEY_H

#include "postgres.h"

#include "key/secret.h"

/* The longest key, client id or client secret of another system, in bytes. */
#define FOREIGN_KEY_MAX		2048

extern bool foreign_api_keys_exist(void);
extern bool foreign_keys_exist(SecretScheme scheme);
extern bool foreign_clients_exist(void);

#endif							/* DEVAPP_FOREIGN_KEY_H */
