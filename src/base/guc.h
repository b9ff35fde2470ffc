/*
 * guc.h
 *		The settings of devapp that belong to no other room.
 */
#ifndef DEVAPP_GUC_H
#define DEVAPP_GUC_H

extern bool devapp_restoring;

extern void base_define_gucs(void);
extern void base_reserve_gucs(void);

#endif							/* DEVAPP_GUC_H */
