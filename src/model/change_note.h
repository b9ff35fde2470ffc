/*
 * change_note.h
 *		Why the change that is being made is made.
 */
#ifndef DEVAPP_CHANGE_NOTE_H
#define DEVAPP_CHANGE_NOTE_H

/* The note of the change that is being made, or NULL. */
extern const char *change_note_current(void);

extern void change_note_define_gucs(void);

#endif							/* DEVAPP_CHANGE_NOTE_H */
