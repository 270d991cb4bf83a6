// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "operation.h"

void samples_add(struct samples *samples, double value)
{
	/* A power of two: it is full. */
	if (!(samples->nr & (samples->nr - 1))) {
		const size_t room = samples->nr ? 2 * samples->nr : 1;

		samples->list = realloc(samples->list, room * sizeof(*samples->list));
		if (!samples->list) {
			fprintf(stderr, "minivmx: no memory for measurements\n");
			exit(EXIT_FAILURE);
		}
	}
	samples->list[samples->nr++] = value;
}

void samples_free(struct samples *samples)
{
	free(samples->list);
	*samples = (struct samples) { 0 };
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The value below which @part of them are. */
static double quantile(struct samples *samples, double part)
{
	double place = part * (double)(samples->nr - 1);
	size_t below = (size_t)place;

	qsort(samples->list, samples->nr, sizeof(*samples->list), by_value);
	if (below + 1 == samples->nr)
		return samples->list[below];
	place -= (double)below;
	return samples->list[below] * (1 - place) + samples->list[below + 1] * place;
}

double samples_median(struct samples *samples)
{
	return samples->nr ? quantile(samples, 0.5) : 0;
}

double samples_spread(struct samples *samples)
{
	const double median = samples_median(samples);

	if (median <= 0)
		return 0;
	return 50 * (quantile(samples, 0.75) - quantile(samples, 0.25)) / median;
}
