/*
 * key_file.c
 *		Files with keys, one a line; '#' lines are comments.
 *
 * A file that others have access to is not read.  What was read is wiped: the line here,
 * what was made of it by its owner.  Opening a file never waits, as opening a FIFO would
 * for somebody who writes to it.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "storage/fd.h"

#include "base/compat.h"
#include "base/entry.h"
#include "base/key_file.h"
#include "base/sodium.h"

/* The rule of the server's own private key: nobody else may read the file. */
static const char *
check_permissions(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "It is not a regular file.";
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return "It belongs to neither the server's user nor root.";
	if (st->st_uid == geteuid() && (st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return "Users other than its owner have access to it.";
	if ((st->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0)
		return "Users other than its owner and group have access to it.";
	return NULL;
}

static KeyFileProblem
read_lines(FILE *file, KeyLineParser parser, void *arg)
{
	KeyFileProblem problem = {0};
	char		line[512];

	while (problem.text == NULL && fgets(line, sizeof(line), file))
	{
		const char *start = line + strspn(line, " \t");

		problem.line++;
		if (strchr(line, '\n') == NULL && !feof(file))
			problem.text = "It is too long.";
		else if (strchr("#\r\n", *start) == NULL)
			problem.text = parser(start, arg);
	}
	sodium_memzero(line, sizeof(line));
	if (problem.text == NULL)
	{
		problem.line = 0;
		if (ferror(file))
			problem.text = "It could not be read.";
	}
	return problem;
}

/* Read an open file, of which nothing is read before it was checked. */
static KeyFileProblem
read_open_file(int fd, KeyLineParser parser, void *arg, struct stat *st)
{
	KeyFileProblem problem = {0};
	int			own_fd;
	FILE	   *file;

	if (fstat(fd, st) != 0)
		return (KeyFileProblem) {.text = "Its status could not be read."};
	problem.text = check_permissions(st);
	if (problem.text != NULL)
		return problem;
	own_fd = dup(fd);
	file = own_fd >= 0 ? fdopen(own_fd, "r") : NULL;
	if (file == NULL)
	{
		if (own_fd >= 0)
			close(own_fd);
		return (KeyFileProblem) {.text = "It could not be read."};
	}
	setvbuf(file, NULL, _IONBF, 0); /* no copy of it in a heap buffer */
	problem = read_lines(file, parser, arg);
	fclose(file);
	return problem;
}

/*
 * Give each line of a file that is neither empty nor a comment to a parser.  No error is
 * thrown, so that the caller can wipe what it has got; see key_file_report().
 */
KeyFileProblem
key_file_read(const char *name, KeyLineParser parser, void *arg, struct stat *st)
{
	KeyFileProblem problem;
	int			fd;

	devapp_require_sodium();
	fd = OpenTransientFile(name, O_RDONLY | O_NONBLOCK | PG_BINARY);
	if (fd < 0)
		return (KeyFileProblem) {"It could not be opened.", 0, errno};
	problem = read_open_file(fd, parser, arg, st);
	CloseTransientFile(fd);
	return problem;
}

/*
 * The name of the file as an error may show it.  Its setting is not for everybody to see, so
 * neither is the name; the log has the statement and whoever administers asks doctor().
 */
static const char *
shown_name(int elevel, const char *name)
{
	return elevel < ERROR || entry_by_admin() ? psprintf(" \"%s\"", name) : "";
}

/* Tell what is wrong, at the given level. */
void
key_file_report(int elevel, const KeyFileKind *kind, const char *name, KeyFileProblem problem)
{
	const char *shown = shown_name(elevel, name);

	if (problem.open_error != 0)
	{
		errno = problem.open_error;
		ereport(elevel,
				(kind->sqlstate != 0 ? errcode(kind->sqlstate) : errcode_for_file_access(),
				 errmsg("could not open %s%s: %m", kind->what, shown),
				 kind->open_hint != NULL ? errhint("%s", kind->open_hint) : 0));
	}
	else
		ereport(elevel,
				(errcode(kind->sqlstate != 0 ? kind->sqlstate : ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("%s%s is not usable", kind->what, shown),
				 problem.line > 0 ? errdetail("Line %d: %s", problem.line, problem.text) :
				 errdetail("%s", problem.text),
				 errhint("%s", kind->form_hint)));
}
