/*
 * latency_core.c
 *		A histogram of latencies with logarithmic bins.  Needs no backend.
 *
 * Four bins an octave: bin i holds the latencies from 2^(i/4) up to, but not
 * including, 2^((i+1)/4) microseconds; 0 counts as 1.  A percentile is the
 * geometric middle of the bin that it falls into, so it is off by at most
 * 2^(1/8) - 1 = 9.05 % of the true one, whatever the latencies are.  Histograms add up.
 */
#include "meter/latency_core.h"

#include <math.h>

/* 2^(1/4), 2^(2/4), 2^(3/4), where 2^63 is 1 */
static const uint64_t quarters[] = {
	UINT64_C(0x9837F0518DB8A800),
	UINT64_C(0xB504F333F9DE6800),
	UINT64_C(0xD744FCCAD69D6800)
};

int
latency_bin(uint64_t microseconds)
{
	int			octave = 0;
	int			quarter = 0;
	uint64_t	fraction;

	if (microseconds > (uint64_t) LATENCY_MAX)
		microseconds = LATENCY_MAX;
	for (uint64_t rest = microseconds >> 1; rest != 0; rest >>= 1)
		octave++;
	fraction = microseconds << (63 - octave);
	while (quarter < 3 && fraction >= quarters[quarter])
		quarter++;
	return 4 * octave + quarter;
}

/* What stands for a bin, in microseconds. */
double
latency_middle(int bin)
{
	return exp2((bin + 0.5) / 4);
}

/*
 * The place in counts of the bin that holds the fraction: the smallest one
 * that, with those before it, has at least that part of all.  -1 if there are none.
 */
int
latency_percentile(const int64_t *counts, int n, double fraction)
{
	double		total = 0;
	double		sum = 0;
	int			last = -1;

	for (int i = 0; i < n; i++)
		total += (double) counts[i];
	for (int i = 0; i < n; i++)
	{
		if (counts[i] <= 0)
			continue;
		last = i;
		sum += (double) counts[i];
		if (sum >= fraction * total)
			break;
	}
	return last;
}
