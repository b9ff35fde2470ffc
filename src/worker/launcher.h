/*
 * launcher.h
 *		Who starts the processes that do devapp's work in databases.
 */
#ifndef DEVAPP_LAUNCHER_H
#define DEVAPP_LAUNCHER_H

extern void launcher_register(void);

#endif							/* DEVAPP_LAUNCHER_H */
