/*
 * usage_scan.c
 *		Hands the rows of a query to a receiver, and keeps none.
 */
#include "postgres.h"

#include "executor/spi.h"

#include "meter/usage_scan.h"

static void
start_receiving(DestReceiver *receiver, int operation, TupleDesc desc)
{
}

static void
stop_receiving(DestReceiver *receiver)
{
}

/* The position of each name, of which there are SCAN_COLUMNS or fewer, and NULL. */
void
scan_columns_find(ScanColumns *columns, const char *const *names, TupleDesc desc)
{
	columns->taken = 0;
	for (int n = 0; n < SCAN_COLUMNS && names[n] != NULL; n++)
	{
		int			attno = SPI_fnumber(desc, names[n]);

		if (attno <= 0)
			elog(ERROR, "a query has no column \"%s\"", names[n]);
		columns->at[n] = attno - 1;
		columns->taken = Max(columns->taken, attno);
	}
}

/* The caller sets receiveSlot of the receiver, and rStartup or NULL, and nothing else. */
void
usage_scan(const char *query, const ParamExternData *params, int n, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};

	if (receiver->rStartup == NULL)
		receiver->rStartup = start_receiving;
	receiver->rShutdown = receiver->rDestroy = stop_receiving;
	receiver->mydest = DestNone;
	options.params = makeParamList(n);
	if (n > 0)
		memcpy(options.params->params, params, n * sizeof(ParamExternData));
	options.read_only = true;
	options.dest = receiver;
	SPI_connect();
	if (SPI_execute_extended(query, &options) < 0)
		elog(ERROR, "usage could not be read");
	SPI_finish();
}
