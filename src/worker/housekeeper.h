/*
 * housekeeper.h
 *		The process that does what only time brings.
 */
#ifndef DEVAPP_HOUSEKEEPER_H
#define DEVAPP_HOUSEKEEPER_H

extern void housekeeper_define_gucs(void);

#endif							/* DEVAPP_HOUSEKEEPER_H */
