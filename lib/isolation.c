/* SPDX-License-Identifier: MIT */
/*
 * What isolates functions here, in words. The worker reports which layers the
 * nest that it prepared ahead has really got, and the errno of each that it has
 * not; what is lost without a layer is written down here.
 */
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/role.h>
#include <runtime.h>

static const struct layer {
	const char *name, *lost;
} layers[] = {
	{ "process", "everything" },
	{ "user namespace", "root inside is root outside, unless another user" },
	{ "pid namespace", "it sees other processes; what it forks may outlive it" },
	{ "mount namespace", "it sees the host's files; /tmp is shared" },
	{ "ipc namespace", "System V IPC is shared" },
	{ "uts namespace", "the host name is shared" },
	{ "no new privileges", "setuid programs work" },
	{ "capabilities dropped", "it keeps the rights of this user" },
	{ "seccomp", "the whole kernel interface is open to it" },
	{ "landlock", "no second lock on files, signals and abstract sockets" },
	{ "rlimits", "memory, descriptors and processes are unlimited" },
	{ "own uid", "limits per user are shared by all environments" },
	{ "no network", "it may open sockets" },
	{ "memory cgroup", "memory is bounded per process only" },
	{ "pids cgroup", "processes are bounded per user only" },
	{ "cpu cgroup", "CPU is shared evenly, not by memory" },
};

#define LAYERS (sizeof(layers) / sizeof(*layers))

static void describe(struct fa_text *text, unsigned i, const struct fa_hello *hello)
{
	fa_text_add(text, layers[i].name);
	if (hello->applied & 1u << i) {
		fa_text_add(text, ": applied\n");
		return;
	}
	fa_text_add(text, ": MISSING");
	if (hello->errors[i]) {
		fa_text_add(text, " (");
		fa_text_add(text, strerrordesc_np(hello->errors[i]));
		fa_text_add(text, ")");
	}
	fa_text_add(text, ": ");
	fa_text_add(text, layers[i].lost);
	fa_text_add(text, "\n");
}

static void describe_vpc(struct fa_text *text, int error)
{
	fa_text_add(text, error ? "networks of VPCs: MISSING (" : "networks of VPCs: available\n");
	if (!error)
		return;
	fa_text_add(text, fa_vpc_lack(error));
	fa_text_add(text, "): a function that asks for one is refused\n");
}

int faas_isolation_report(struct faas *rt, struct faas_isolation **report,
			  struct faas_error *err)
{
	const size_t room = 4096;
	struct faas_isolation *r;
	struct fa_hello hello;
	struct fa_text text;
	bool roles;
	int rc;

	if (!rt || !report)
		return fa_error(err, FAAS_EINVAL,
				"a runtime and a place for the report are required");
	rc = fa_enter(rt, err);
	if (rc)
		return rc;
	r = fa_alloc(&rt->mem, sizeof(*r) + room);
	if (!r) {
		fa_leave(rt);
		return fa_error_nomem(err);
	}
	pthread_mutex_lock(&rt->envs.lock);
	hello = rt->envs.supervisor.hello;
	pthread_mutex_unlock(&rt->envs.lock);
	roles = fa_roles_count(&rt->registry);
	text = (struct fa_text){ .data = (char *)(r + 1), .size = room };
	r->size = sizeof(*r);
	r->applied = hello.applied & FAAS_LAYERS_ALL;
	r->missing = FAAS_LAYERS_ALL & ~hello.applied;
	for (unsigned i = 0; i < LAYERS; i++)
		describe(&text, i, &hello);
	fa_text_add(&text, roles ? "policies: applied\n"
				 : "policies: none, for there are no roles: whoever gets here "
				   "may do all\n");
	if (rt->vpcs.subnet_count)
		describe_vpc(&text, hello.vpc_error);
	fa_leave(rt);
	r->text = text.data;
	*report = r;
	return 0;
}
