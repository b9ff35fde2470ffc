/*
 * key_file.h
 *		Files with keys, one a line.
 */
#ifndef DEVAPP_KEY_FILE_H
#define DEVAPP_KEY_FILE_H

#include "postgres.h"

#include <sys/stat.h>

/* What is wrong with a file. */
typedef struct KeyFileProblem
{
	const char *text;			/* NULL: nothing */
	int			line;			/* 0: the file as a whole */
	int			open_error;		/* errno where it could not be opened, else 0 */
} KeyFileProblem;

/* Reads a line without what stands before its first character; says what is wrong. */
typedef const char *(*KeyLineParser) (const char *line, void *arg);

extern KeyFileProblem key_file_read(const char *name, KeyLineParser parser, void *arg,
									struct stat *st);
extern void key_file_report(int elevel, const char *what, const char *name,
							KeyFileProblem problem, const char *hint);

#endif							/* DEVAPP_KEY_FILE_H */
