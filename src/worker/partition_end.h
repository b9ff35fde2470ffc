/*
 * partition_end.h
 *		The end of partitions of usage that are past their retention.
 */
#ifndef DEVAPP_PARTITION_END_H
#define DEVAPP_PARTITION_END_H

extern bool partition_end_all(void);

#endif							/* DEVAPP_PARTITION_END_H */
