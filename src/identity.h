/*
 * identity.h
 *		Who acts: the developer that a session speaks for.
 */
#ifndef DEVAPP_IDENTITY_H
#define DEVAPP_IDENTITY_H

extern const char *identity_actor(void);

#endif							/* DEVAPP_IDENTITY_H */
