/*
 * key_core.h
 *		The format of a key: parse, check, write.  Needs no backend.
 */
#ifndef DEVAPP_KEY_CORE_H
#define DEVAPP_KEY_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * <prefix>_<environment>_<key id>_<secret><checksum>
 */
#define KEY_PREFIX_MAX		16
#define KEY_LABEL_MAX		16
#define KEY_ENVIRONMENT_MAX	32
#define KEY_ID_LEN			12
#define KEY_SECRET_LEN		32
#define KEY_CHECKSUM_LEN	6

#define KEY_CONSUMER_MAX	(KEY_PREFIX_MAX + 1 + KEY_LABEL_MAX + 1 + KEY_ID_LEN)
#define KEY_MAX				(KEY_CONSUMER_MAX + 1 + KEY_SECRET_LEN + KEY_CHECKSUM_LEN)
#define KEY_CONSUMER_MIN	(1 + 1 + 1 + 1 + KEY_ID_LEN)
#define KEY_MIN				(KEY_CONSUMER_MIN + 1 + KEY_SECRET_LEN + KEY_CHECKSUM_LEN)

/* What is wrong with a presented key, for key_info(). */
typedef enum KeyError
{
	KEY_OK,
	KEY_BAD_LENGTH,
	KEY_BAD_PREFIX,
	KEY_BAD_LABEL,
	KEY_BAD_ID,
	KEY_BAD_SECRET,
	KEY_BAD_CHECKSUM
} KeyError;

/* Offsets into the presented bytes; the parser copies nothing. */
typedef struct ParsedKey
{
	size_t		prefix_len;
	size_t		label_start;
	size_t		label_len;
	size_t		id_start;
	size_t		consumer_len;	/* the public part: everything up to the id */
} ParsedKey;

extern void key_core_init(void);

extern bool key_prefix_is_valid(const char *s, size_t len);
extern bool key_label_is_valid(const char *s, size_t len);
extern bool key_environment_is_valid(const char *s, size_t len);

extern KeyError key_parse_consumer(const char *s, size_t len,
								   ParsedKey *parsed);
extern KeyError key_parse(const char *s, size_t len, ParsedKey *parsed);
extern size_t key_mask(char *s, size_t len);
extern const char *key_error_text(KeyError error);

extern uint32_t key_crc32(const char *s, size_t len);
extern char key_base62_digit(unsigned value);
extern void key_write_label(char *out, const char *environment, size_t len);
extern size_t key_write_consumer(char *out, const char *prefix,
								 const char *label, const char *id);
extern size_t key_write(char *out, const char *consumer, size_t consumer_len,
						const char *secret);

#endif							/* DEVAPP_KEY_CORE_H */
