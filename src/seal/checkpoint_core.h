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
#define CHECKPOINT_NOTE_MAX		512 /* of what checkpoint_write() makes */
#define NOTE_KEY_BYTES			32	/* a public key: Ed25519 */
#define NOTE_SEED_BYTES			32
#define NOTE_VERIFIER_MAX		128

typedef struct NoteKey
{
	unsigned char bytes[NOTE_KEY_BYTES];
} NoteKey;

/* A note that was read; it points into the text. */
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

typedef enum NoteCheck
{
	NOTE_UNSIGNED,
	NOTE_VALID,
	NOTE_INVALID,				/* of a key that is known, but wrong */
	NOTE_UNKNOWN_KEY
} NoteCheck;

extern bool checkpoint_origin_is_valid(const char *origin, size_t len);
extern size_t checkpoint_write(const char *origin, uint64_t size,
							   const MerkleHash *root,
							   const unsigned char *seed, NoteKey *key,
							   char note[CHECKPOINT_NOTE_MAX]);
extern const char *checkpoint_read(const char *note, size_t len, Checkpoint *c);
extern NoteCheck checkpoint_check(const Checkpoint *c, const NoteKey *keys,
								  int nkeys);

extern void note_verifier_write(const char *name, const NoteKey *key,
								char out[NOTE_VERIFIER_MAX]);
extern const char *note_verifier_read(const char *s, size_t len, NoteKey *key);

#endif							/* DEVAPP_CHECKPOINT_CORE_H */
