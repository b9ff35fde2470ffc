/*
 * spool.c
 *		Files with counts that are on their way from a standby to its primary.
 *
 * A shipment is a file pg_stat/devapp_ship_DATABASE_ID.stat from before it is sent
 * until the primary has it.  Its content is what is sent: header, rows and CRC, as in
 * counter_file.c.  The id is a UUID, ascending in time; the primary counts each shipment
 * once, so a file whose fate is not known is sent again.
 *
 * After a promotion the flusher takes the files that are left.  Copied along with
 * the data directory, they do no harm for the same reason.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "fmgr.h"
#include "pgstat.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/uuid.h"
#include "meter/counter_file.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "ship/shipment.h"
#include "ship/shipment_core.h"
#include "ship/spool.h"

#define SPOOL_PREFIX	"devapp_ship_"
#define SPOOL_SUFFIX	".stat"
#define UUID_CHARS		36

/* ---------- names ---------- */

/* The database of a file with this name; InvalidOid: it is something else. */
static Oid
database_of(const char *name, char *id)
{
	Oid			database;
	int			end = 0;

	if (sscanf(name, SPOOL_PREFIX "%u_%36[0-9a-f-]%n", &database, id, &end) != 2 ||
		strlen(id) != UUID_CHARS || strcmp(name + end, SPOOL_SUFFIX) != 0)
		return InvalidOid;
	return database;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* The files of a database, the oldest first. */
List *
spool_files(Oid database)
{
	DIR		   *dir = AllocateDir(PGSTAT_STAT_PERMANENT_DIRECTORY);
	List	   *files = NIL;
	struct dirent *entry;
	char		id[UUID_CHARS + 1];

	while ((entry = ReadDir(dir, PGSTAT_STAT_PERMANENT_DIRECTORY)) != NULL)
	{
		if (database_of(entry->d_name, id) == database)
			files = lappend(files, pstrdup(entry->d_name));
	}
	FreeDir(dir);
	list_sort(files, compare_names);
	return files;
}

/* Is it a file that a crash kept from getting its name? */
static bool
is_unfinished(const char *name)
{
	return strncmp(name, SPOOL_PREFIX, strlen(SPOOL_PREFIX)) == 0 &&
		strlen(name) > strlen(METER_TMP_SUFFIX) &&
		strcmp(name + strlen(name) - strlen(METER_TMP_SUFFIX), METER_TMP_SUFFIX) == 0;
}

/*
 * At the start of the launcher: there is something to do in these databases.  A file
 * that is being written just now by another process of before may be taken away;
 * then that finds it out, and puts its counts back into memory.
 */
void
spool_find(void)
{
	DIR		   *dir = AllocateDir(PGSTAT_STAT_PERMANENT_DIRECTORY);
	struct dirent *entry;
	char		id[UUID_CHARS + 1];

	while ((entry = ReadDir(dir, PGSTAT_STAT_PERMANENT_DIRECTORY)) != NULL)
	{
		Oid			database = database_of(entry->d_name, id);

		if (OidIsValid(database))
			registry_mark_unfinished(database);
		else if (is_unfinished(entry->d_name))
			spool_remove(entry->d_name);
	}
	FreeDir(dir);
}

/* ---------- files ---------- */

/*
 * Write down counts that were taken out of memory.  False, with errno: it is not
 * written.  Nothing here throws an error.
 */
bool
spool_put(Oid database, const MeterRow *rows, Size n)
{
	char		path[MAXPGPATH];
	pg_uuid_t	shipment_id;
	MeterWriter writer;

	if (!uuid_make_v7(&shipment_id))
		return false;
	snprintf(path, sizeof(path), PGSTAT_STAT_PERMANENT_DIRECTORY "/" SPOOL_PREFIX "%u_%s" SPOOL_SUFFIX,
			 database, DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&shipment_id))));
	meter_writer_open(&writer, path);
	meter_writer_rows(&writer, rows, n);
	return meter_writer_close(&writer);
}

/*
 * The content of a file.  NULL if it is gone, or damaged: then it is removed, for
 * nobody can make it whole.
 */
bytea *
spool_read(const char *file, pg_uuid_t *shipment_id)
{
	char		path[MAXPGPATH];
	char		id[UUID_CHARS + 1];
	struct stat st;
	FILE	   *stream;
	bytea	   *content = NULL;
	bool		whole = false;

	(void) database_of(file, id);
	*shipment_id = *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(id)));
	snprintf(path, sizeof(path), PGSTAT_STAT_PERMANENT_DIRECTORY "/%s", file);
	stream = AllocateFile(path, PG_BINARY_R);
	if (stream == NULL)
		return NULL;
	if (fstat(fileno(stream), &st) == 0 &&
		st.st_size <= (off_t) (sizeof(MeterHeader) + SHIPMENT_MAX_ROWS * sizeof(MeterRow) + sizeof(pg_crc32c)))
	{
		Size		len = (Size) st.st_size;

		content = palloc(VARHDRSZ + len);
		SET_VARSIZE(content, VARHDRSZ + len);
		whole = fread(VARDATA(content), 1, len, stream) == len &&
			shipment_is_whole(VARDATA(content), len);
	}
	FreeFile(stream);
	if (whole)
		return content;
	ereport(LOG,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("file \"%s\" is not a file of counters, or damaged", path),
			 errdetail("The calls that it counted are lost.")));
	spool_remove(file);
	return NULL;
}

void
spool_remove(const char *file)
{
	char		path[MAXPGPATH];

	snprintf(path, sizeof(path), PGSTAT_STAT_PERMANENT_DIRECTORY "/%s", file);
	(void) durable_unlink(path, LOG);
}

/* The files of a database have nowhere to go. */
void
spool_discard(Oid database)
{
	ListCell   *cell;

	foreach(cell, spool_files(database))
		spool_remove(lfirst(cell));
}
