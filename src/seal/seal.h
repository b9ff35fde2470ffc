/*
 * seal.h
 *		Sealing the audit trail.
 */
#ifndef DEVAPP_SEAL_H
#define DEVAPP_SEAL_H

extern void seal_define_gucs(void);

#endif							/* DEVAPP_SEAL_H */
