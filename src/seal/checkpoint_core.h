/*
 * checkpoint_core.h
 *		Checkpoints as text: signed notes (C2SP signed-note, tlog-checkpoint).
 *
 * Needs no backend.
 */
#ifndef DEVAPP_CHECKPOINT_CORE_H
#define DEVAPP_CHECKPOINT_CORE_H

#include "seal/merkle_core.h"

#define CHECKPOINT_ORIGIN_MAX	64
#define CHECKPOINT_TEXT_MAX		512	/* of what checkpoint_write() makes */
#define CHECKPOINT_KEY_BYTES	32	/* a public key: Ed25519 */
#define CHECKPOINT_SEED_BYTES	32
#define CHECKPOINT_VERIFIER_MAX	128

typedef struct CheckpointKey
{
	unsigned char bytes[CHECKPOINT_KEY_BYTES];
} CheckpointKey;

/* A checkpoint that was read; it points into the text. */
typedef struct Checkpoint
{
	const char *text;			/* what the signatures are over */
	size_t		text_len;
	char		origin[CHECKPOINT_ORIGIN_MAX + 1];
	uint64_t	size;
	MerkleHash	root;
	const char *signatures;		/* lines */
	size_t		signatures_len;
} Checkpoint;

typedef enum CheckpointCheck
{
	CHECKPOINT_UNSIGNED,
	CHECKPOINT_VALID,
	CHECKPOINT_INVALID,			/* of a key that is known, but wrong */
	CHECKPOINT_UNKNOWN_KEY
} CheckpointCheck;

extern bool checkpoint_origin_is_valid(const char *origin, size_t len);
extern size_t checkpoint_write(const char *origin, uint64_t size,
							   const MerkleHash *root,
							   const unsigned char *seed, CheckpointKey *key,
							   char text[CHECKPOINT_TEXT_MAX]);
extern const char *checkpoint_read(const char *text, size_t len, Checkpoint *c);
extern CheckpointCheck checkpoint_check(const Checkpoint *c, const CheckpointKey *keys,
										int nkeys);

extern void checkpoint_verifier_write(const char *name, const CheckpointKey *key,
									  char out[CHECKPOINT_VERIFIER_MAX]);
extern const char *checkpoint_verifier_read(const char *s, size_t len, CheckpointKey *key);

#endif							/* DEVAPP_CHECKPOINT_CORE_H */
