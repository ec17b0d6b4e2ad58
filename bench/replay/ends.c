/* SPDX-License-Identifier: MIT */
#include "ends.h"

#include <stdio.h>
#include <stdlib.h>

void ends_push(struct ends *ends, const struct work *work)
{
	int i = ends->count++;

	if (i == ends->room) {
		ends->room = ends->room ? ends->room * 2 : 1024;
		ends->heap = realloc(ends->heap, (size_t)ends->room * sizeof(*ends->heap));
		if (!ends->heap) {
			perror("replay");
			exit(1);
		}
	}
	for (; i && ends->heap[(i - 1) / 2].end_ns > work->end_ns; i = (i - 1) / 2)
		ends->heap[i] = ends->heap[(i - 1) / 2];
	ends->heap[i] = *work;
}

struct work ends_pop(struct ends *ends)
{
	struct work first = ends->heap[0], last = ends->heap[--ends->count];
	int i = 0, child;

	while ((child = 2 * i + 1) < ends->count) {
		if (child + 1 < ends->count &&
		    ends->heap[child + 1].end_ns < ends->heap[child].end_ns)
			child++;
		if (ends->heap[child].end_ns >= last.end_ns)
			break;
		ends->heap[i] = ends->heap[child];
		i = child;
	}
	ends->heap[i] = last;
	return first;
}
