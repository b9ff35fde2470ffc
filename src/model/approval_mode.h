/*
 * approval_mode.h
 *		How new apps start.
 */
#ifndef DEVAPP_APPROVAL_MODE_H
#define DEVAPP_APPROVAL_MODE_H

extern void approval_mode_define_gucs(void);

#endif							/* DEVAPP_APPROVAL_MODE_H */
