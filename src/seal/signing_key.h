/*
 * signing_key.h
 *		The key that signs checkpoints, and those that have signed them.
 */
#ifndef DEVAPP_SIGNING_KEY_H
#define DEVAPP_SIGNING_KEY_H

#include "postgres.h"

#include "seal/checkpoint_core.h"

#define SIGNING_KEYS_MAX	64

/* Public keys of devapp.audit_key_file: first that of the seed, then retired ones. */
typedef struct SigningKeys
{
	int			count;			/* 0: there is no file */
	CheckpointKey keys[SIGNING_KEYS_MAX];
} SigningKeys;

extern void signing_keys_read(SigningKeys *keys);
extern bool signing_key_write_checkpoint(uint64 size, const MerkleHash *root,
										 char checkpoint[CHECKPOINT_TEXT_MAX], CheckpointKey *key);
extern void signing_key_define_gucs(void);

#endif							/* DEVAPP_SIGNING_KEY_H */
