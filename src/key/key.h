/*
 * key.h
 *		Making keys.
 */
#ifndef DEVAPP_KEY_H
#define DEVAPP_KEY_H

#include "postgres.h"

extern void key_require_environment(const char *s, size_t len);
extern void key_random_base62(char *out, int len);
extern size_t key_new_consumer(const char *environment, size_t len, char *out);
extern bool key_is_public_part(const char *s, size_t len);
extern size_t key_generate(const char *consumer, size_t consumer_len, char *out);
extern void key_define_gucs(void);

#endif							/* DEVAPP_KEY_H */
