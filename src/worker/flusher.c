/*
 * flusher.c
 *		The process that writes the counts of a database to its tables.
 *
 * It also rolls them up, and takes the counts that are in files (spool.c): what an
 * orderly end of the server left, and what a standby could not send before it was
 * promoted.
 *
 * Nothing here decides whether a count is kept: what is taken from shared memory in a
 * transaction that fails goes back there (taken.c).  Counts of a database without the
 * extension are discarded.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/ipc.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "ship/spool.h"
#include "worker/process.h"

PGDLLEXPORT void devapp_flusher_main(Datum arg);

static const char *const flusher_steps[] = {
	"flush_counts",
	"roll_up_usage",
	"keep_leases"
};

/* Each file in a transaction of its own: one that cannot be used keeps no other back. */
static bool
receive_spool(void)
{
	static const Oid types[2] = {UUIDOID, BYTEAOID};
	bool		done = true;
	ListCell   *cell;

	foreach(cell, spool_files(MyDatabaseId))
	{
		pg_uuid_t	shipment_id;
		bytea	   *counts = spool_read(lfirst(cell), &shipment_id);
		Step		step = {.function = "receive_usage", .nargs = 2, .types = types};

		if (counts == NULL)
			continue;
		step.args[0] = UUIDPGetDatum(&shipment_id);
		step.args[1] = PointerGetDatum(counts);
		if (process_try_step(&step, JOB_FLUSH) == STEP_DONE)
			spool_remove(lfirst(cell));
		else
			done = false;
		pfree(counts);
	}
	return done;
}

void
devapp_flusher_main(Datum arg)
{
	bool		done;

	process_connect(DatumGetObjectId(arg), "devapp flusher");
	if (!process_finds_extension())
	{
		(void) meter_discard(MyDatabaseId);
		spool_discard(MyDatabaseId);
		registry_set_unfinished(false);
		proc_exit(0);
	}
	/* if it is killed, another will look after what it left */
	registry_set_unfinished(true);
	if (!step_is_done(process_may_work(JOB_FLUSH)))
		proc_exit(0);
	done = receive_spool();
	done &= process_try_steps(flusher_steps, lengthof(flusher_steps), JOB_FLUSH);
	registry_set_unfinished(!done);
	proc_exit(0);
}
