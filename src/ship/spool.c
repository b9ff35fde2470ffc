/*
 * spool.c
 *		Files with counts that are on their way to a table.
 *
 *	spool_files()			names of the files of the database
 *	take_spool_file(file)	counts what is in a file, in the transaction; how many counters
 *
 * A shipment of counts is a file pg_stat/devapp_ship_DATABASE_ID.stat until a transaction
 * that counted it is committed, here or on the primary.  Its content is header, rows and
 * CRC, as in counter_file.c.  The id is a UUID, ascending in time; devapp.receive_usage()
 * counts each once, so a file whose fate is not known is read or sent again.
 *
 * A standby writes what it sends to its primary to such a file first.  And when a server
 * is shut down, all its processes are told to end at once, and some may count after the
 * last flush: so the postmaster writes down what is left, as its last act.  After the
 * start, or a promotion, the flusher takes the files.  Copied along with the data
 * directory they do no harm, because each shipment counts once.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/uuid.h"
#include "base/xact_list.h"
#include "meter/counter_file.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "ship/shipment.h"
#include "ship/shipment_core.h"
#include "ship/spool.h"

PG_FUNCTION_INFO_V1(devapp_spool_files);
PG_FUNCTION_INFO_V1(devapp_take_spool_file);

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
			 database, uuid_text(&shipment_id));
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
			 errmsg("file \"%s\" is not a valid file of counters", path),
			 errdetail("The calls counted in it are lost.")));
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

/* ---------- into the transaction ---------- */

/* A file whose shipment the transaction counts. */
typedef struct TakenFile
{
	XactItem	item;
	char		name[MAXPGPATH];
} TakenFile;

static void
end_taken_file(XactItem *item, bool committed)
{
	TakenFile  *taken = (TakenFile *) item;

	if (committed)
		spool_remove(taken->name);
	pfree(taken);
}

/* When the transaction is committed, others see the shipment, and the file can go. */
static void
remove_at_commit(const char *file)
{
	TakenFile  *taken = MemoryContextAllocZero(TopMemoryContext, sizeof(TakenFile));

	taken->item.end = end_taken_file;
	taken->item.no_prepare = "cannot prepare a transaction that has flushed usage";
	taken->item.no_prepare_hint = "Call devapp.flush_usage() in a transaction of its own.";
	strlcpy(taken->name, file, MAXPGPATH);
	xact_list_push(&taken->item);
}

static int64
count_shipment(const pg_uuid_t *shipment_id, bytea *counts)
{
	static const char query[] = "SELECT devapp_internal.receive_usage($1, $2)";
	Oid			types[2] = {UUIDOID, BYTEAOID};
	Datum		values[2] = {UUIDPGetDatum(shipment_id), PointerGetDatum(counts)};
	bool		isnull;
	int			result = SPI_execute_with_args(query, 2, types, values, NULL, false, 1);

	if (result != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "counts were not received: %s", SPI_result_code_string(result));
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

Datum
devapp_spool_files(PG_FUNCTION_ARGS)
{
	List	   *files = spool_files(MyDatabaseId);
	Datum	   *names = palloc(sizeof(Datum) * (Size) Max(list_length(files), 1));
	ListCell   *cell;
	int			n = 0;

	foreach(cell, files)
		names[n++] = CStringGetTextDatum(lfirst(cell));
	PG_RETURN_ARRAYTYPE_P(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* One that is gone meanwhile was counted by another. */
Datum
devapp_take_spool_file(PG_FUNCTION_ARGS)
{
	char	   *file = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char		id[UUID_CHARS + 1];
	pg_uuid_t	shipment_id;
	bytea	   *counts;
	int64		taken;

	if (database_of(file, id) != MyDatabaseId)
		elog(ERROR, "\"%s\" is no file of counters of this database", file);
	counts = spool_read(file, &shipment_id);
	if (counts == NULL)
		PG_RETURN_INT64(0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	taken = count_shipment(&shipment_id, counts);
	SPI_finish();
	remove_at_commit(file);
	PG_RETURN_INT64(taken);
}

/* ---------- at the end of the server ---------- */

static int
compare_databases(const void *a, const void *b)
{
	Oid			x = ((const MeterRow *) a)->key.database;
	Oid			y = ((const MeterRow *) b)->key.database;

	return (x > y) - (x < y);
}

/* Write files of rows that are in the order of their databases. */
static bool
put_sorted(const MeterRow *rows, Size n)
{
	bool		ok = true;

	for (Size first = 0, next = 0; ok && first < n; first = next)
	{
		while (next < n && next - first < SHIPMENT_MAX_ROWS &&
			   rows[next].key.database == rows[first].key.database)
			next++;
		ok = spool_put(rows[first].key.database, rows + first, next - first);
	}
	return ok;
}

/* Write down all that is counted and not flushed.  In the postmaster there are no errors. */
static void
save_counts(void)
{
	MeterRow   *rows = malloc(sizeof(MeterRow) * Max(meter_slots().used, 1) +
							  sizeof(MeterRow) * meter_stripe_limit());
	bool		ok = rows != NULL;
	Size		n = 0;

	for (int i = 0; ok && i < meter_stripes(); i++)
		n += meter_take_stripe(i, InvalidOid, rows + n);
	if (ok)
	{
		qsort(rows, n, sizeof(MeterRow), compare_databases);
		ok = put_sorted(rows, n);
	}
	if (!ok)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write a file of counters in \"%s\": %m", PGSTAT_STAT_PERMANENT_DIRECTORY),
				 errdetail("Calls counted since the last flush are lost.")));
	free(rows);
}

static shmem_startup_hook_type previous_startup_hook = NULL;

/* An orderly end of the server, after all its processes have ended. */
static void
save_at_exit(int code, Datum arg)
{
	if (code == 0 && meter_is_on())
		save_counts();
}

/* The table of counters is there: its hook was set before this one. */
static void
start_spool(void)
{
	if (previous_startup_hook)
		previous_startup_hook();
	if (!IsUnderPostmaster)
		on_shmem_exit(save_at_exit, (Datum) 0);
}

/* Called by _PG_init() in the postmaster, after meter_init(). */
void
spool_init(void)
{
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_spool;
}
