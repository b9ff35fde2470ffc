/*
 * key_file.c
 *		Files with keys: who may have access to them.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/key_file.h"

/* The rule of the server's own private key: nobody else may read the file. */
static const char *
check_permissions(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "It is not a regular file.";
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return "It belongs to neither the server's user nor root.";
	if (st->st_uid == geteuid() && (st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return "Others than its owner have access to it.";
	if ((st->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0)
		return "Others than its owner and group have access to it.";
	return NULL;
}

/*
 * To be called before the first byte of an open file is read: returns what is wrong
 * with it, or NULL, and its status.
 */
const char *
secret_file_check(FILE *file, struct stat *st)
{
	if (fstat(fileno(file), st) != 0)
		return "Its status could not be read.";
	setvbuf(file, NULL, _IONBF, 0); /* no copy of it in a heap buffer */
	return check_permissions(st);
}
