/*
 * key_file.h
 *		Files with keys: who may have access to them.
 */
#ifndef DEVAPP_KEY_FILE_H
#define DEVAPP_KEY_FILE_H

#include <stdio.h>
#include <sys/stat.h>

extern const char *secret_file_check(FILE *file, struct stat *st);

#endif							/* DEVAPP_KEY_FILE_H */
