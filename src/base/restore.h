/*
 * restore.h
 *		Sessions that restore a dump.
 */
#ifndef DEVAPP_RESTORE_H
#define DEVAPP_RESTORE_H

extern void restore_init(void);

#endif							/* DEVAPP_RESTORE_H */
