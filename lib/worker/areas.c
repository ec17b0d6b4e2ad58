/* SPDX-License-Identifier: MIT */
#include <worker/areas.h>
#include <worker/warm.h>

#include <linux/futex.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *map_area(const void *at, int fd, size_t size, int protection)
{
	void *area = mmap((void *)at, size, protection, MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);

	if (area == MAP_FAILED)
		_exit(FA_RUN_BROKEN);
	return area;
}

/* A child of the function's that returns from the handler must not answer, too. */
void fa_areas_map(struct fa_areas *areas, const struct fa_run *run)
{
	areas->request = map_area(areas->request, run->request_fd, FA_REQUEST_AREA, PROT_READ);
	areas->response = map_area(areas->response, run->response_fd, FA_RESPONSE_AREA,
				   PROT_READ | PROT_WRITE);
	madvise(areas->response, FA_RESPONSE_AREA, MADV_DONTFORK);
	/* looking first brings in all pages that the host has touched, writing would only one */
	(void)atomic_load(&areas->response->seq);
}

void fa_areas_close(const struct fa_run *run)
{
	close(run->request_fd);
	close(run->response_fd);
}

FA_WARM const struct fa_request_slot *fa_areas_slot(const struct fa_areas *areas, uint32_t seq)
{
	uint32_t index = seq & (areas->request->depth - 1);

	return (const void *)((const char *)areas->request + FA_SLOTS_OFF + index * FA_SLOT_SIZE);
}

FA_WARM bool fa_areas_claim(const struct fa_areas *areas, uint32_t seq)
{
	if (areas->request->depth == 1) { /* it cannot be taken back; but the number may wrap */
		atomic_store_explicit(&areas->response->begun, seq, memory_order_relaxed);
		return true;
	}
	atomic_store(&areas->response->begun, seq);
	return (int32_t)(atomic_load(&areas->request->seq) - seq) >= 0;
}

FA_WARM int64_t fa_areas_deadline(const struct fa_request_slot *slot, uint32_t timeout_ms,
				  uint32_t done, int64_t finished_ns)
{
	int64_t late = finished_ns + timeout_ms * INT64_C(1000000);
	bool after_init = done == 0 && !(slot->flags & FA_REQ_INIT_FREE);

	return after_init || late < slot->deadline_ns ? slot->deadline_ns : late;
}

FA_WARM bool fa_areas_wake_host(const struct fa_areas *areas)
{
	bool slept = atomic_load(&areas->request->sleeping);

	if (slept)
		syscall(SYS_futex, &areas->response->seq, FUTEX_WAKE, 1, NULL, NULL, 0);
	return slept;
}

FA_WARM bool fa_areas_ring(const struct fa_run *run, uint32_t *rung)
{
	uint32_t epoch = run->page ? atomic_load(&run->page->epoch) : *rung + 1;

	if (run->bell_fd < 0 || (run->page && (!(epoch & 1) || epoch == *rung)))
		return false;
	*rung = epoch;
	send(run->bell_fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return true;
}
