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

/* What a file is, for messages. */
typedef struct KeyFileKind
{
	const char *what;			/* as in "pepper file" */
	const char *form_hint;		/* how it must be */
	const char *open_hint;		/* what to do where it cannot be opened; NULL: nothing is said */
	int			sqlstate;		/* 0: by what is wrong */
} KeyFileKind;

/* Reads a line without what stands before its first character; says what is wrong. */
typedef const char *(*KeyLineParser) (const char *line, void *arg);

extern KeyFileProblem key_file_read(const char *name, KeyLineParser parser, void *arg,
									struct stat *st);
extern void key_file_report(int elevel, const KeyFileKind *kind, const char *name,
							KeyFileProblem problem);

#endif							/* DEVAPP_KEY_FILE_H */
