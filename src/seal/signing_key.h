/*
 * signing_key.h
 *		The key that signs checkpoints, and those that have signed them.
 */
#ifndef DEVAPP_SIGNING_KEY_H
#define DEVAPP_SIGNING_KEY_H

#include "postgres.h"

#include "seal/checkpoint_core.h"

#define AUDIT_KEYS_MAX	64

/* Public keys of devapp.audit_key_file: first that of the seed, then retired ones. */
typedef struct AuditKeys
{
	int			count;			/* 0: there is no file */
	NoteKey		keys[AUDIT_KEYS_MAX];
} AuditKeys;

extern void audit_keys_read(AuditKeys *keys);
extern bool audit_key_write_note(uint64 size, const MerkleHash *root,
								 char note[CHECKPOINT_NOTE_MAX], NoteKey *key);
extern void signing_key_define_gucs(void);

#endif							/* DEVAPP_SIGNING_KEY_H */
