/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_LAYERS_H
#define FA_WORKER_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include <faas/faas.h>

/*
 * What isolates a nest. Everybody who cannot apply a layer takes its bit out
 * and says why; nobody puts one back. The first reason stays.
 */
struct fa_layers {
	uint32_t applied;   /* enum faas_layer */
	int32_t errors[32]; /* errno by bit number */
};

#define FA_LAYERS_NAMESPACES                                                               \
	(FAAS_LAYER_USER_NS | FAAS_LAYER_PID_NS | FAAS_LAYER_MOUNT_NS | FAAS_LAYER_IPC_NS | \
	 FAAS_LAYER_UTS_NS)
#define FA_LAYERS_CGROUP \
	(FAAS_LAYER_CGROUP_MEMORY | FAAS_LAYER_CGROUP_PIDS | FAAS_LAYER_CGROUP_CPU)

static inline bool fa_layers_have(const struct fa_layers *layers, uint32_t bit)
{
	return (layers->applied & bit) == bit;
}

/* `error`: errno or -errno. `bits` may be several. */
static inline void fa_layers_lose(struct fa_layers *layers, uint32_t bits, int error)
{
	for (int i = 0; i < 32; i++)
		if ((layers->applied & bits) >> i & 1)
			layers->errors[i] = error < 0 ? -error : error;
	layers->applied &= ~bits;
}

#endif
