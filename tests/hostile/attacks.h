/* SPDX-License-Identifier: MIT */
#ifndef HOSTILE_ATTACKS_H
#define HOSTILE_ATTACKS_H

/*
 * One list of attacks for two tests: with the layers on, each must be denied;
 * without `layers` it must get through, or the test that it is denied would
 * prove nothing. `layers` 0: not to be tried undefended.
 */
#include <faas/faas.h>

/* As root functions are always another user, else always in another user namespace. */
enum whose { ANYBODY = 0, ROOT, ORDINARY };

struct attack {
	const char *denied;  /* sentence */
	const char *allowed; /* sentence of the control; NULL: none */
	const char *handler;
	unsigned layers;     /* each of them would stop it */
	unsigned also;       /* layers that cannot stay when those are left out */
	const char *stopped; /* it may also end so */
	enum whose control_as; /* who can be left that undefended */
};

#define SEES_OTHERS (FAAS_LAYER_PID_NS | FAAS_LAYER_MOUNT_NS)
/* What keeps it from being the host's user with the host's rights. */
#define IS_NOBODY (FAAS_LAYER_USER_NS | FAAS_LAYER_OWN_UID | FAAS_LAYER_CAPABILITIES)
#define NO_OTHERS (SEES_OTHERS | IS_NOBODY | FAAS_LAYER_LANDLOCK | FAAS_LAYER_SECCOMP)
#define NO_FILES (FAAS_LAYER_MOUNT_NS | FAAS_LAYER_LANDLOCK)

static const struct attack attacks[] = {
	/* signals */
	{ "the_host_cannot_be_signalled", "the_host_can_be_signalled", "attack.signal_the_host",
	  .layers = NO_OTHERS },
	{ "no_signal_of_any_number_reaches_the_host", NULL, "attack.send_all_signals_to_the_host",
	  .layers = NO_OTHERS },
	{ "the_host_cannot_be_signalled_by_pidfd", "the_host_can_be_signalled_by_pidfd",
	  "attack.signal_the_host_by_pidfd", .layers = NO_OTHERS },
	{ "no_signal_can_be_queued_to_the_host", "a_signal_can_be_queued_to_the_host",
	  "attack.queue_a_signal_to_the_host", .layers = NO_OTHERS },
	{ "the_kernel_cannot_be_made_to_signal_the_host",
	  "the_kernel_can_be_made_to_signal_the_host", "attack.have_the_kernel_signal_the_host",
	  .layers = NO_OTHERS },
	{ "killing_everybody_kills_nobody_else", NULL, "attack.kill_everybody",
	  .layers = FAAS_LAYER_PID_NS, .stopped = "signal: killed" },

	/* memory and state of the host */
	{ "the_host_cannot_be_traced", "the_host_can_be_traced", "attack.trace_the_host",
	  .layers = NO_OTHERS, .control_as = ROOT },
	{ "memory_of_the_host_cannot_be_written", "memory_of_the_host_can_be_written",
	  "attack.write_memory_of_the_host", .layers = NO_OTHERS, .control_as = ROOT },
	{ "proc_mem_of_the_host_cannot_be_written", "proc_mem_of_the_host_can_be_written",
	  "attack.write_proc_mem_of_the_host", .layers = NO_OTHERS, .control_as = ROOT },
	{ "the_environment_of_the_host_cannot_be_read", "the_environment_of_the_host_can_be_read",
	  "attack.read_environment_of_the_host", .layers = NO_OTHERS, .control_as = ROOT },
	{ "descriptors_of_the_host_cannot_be_listed", "descriptors_of_the_host_can_be_listed",
	  "attack.list_descriptors_of_the_host", .layers = NO_OTHERS },
	{ "no_descriptor_of_the_host_can_be_stolen", "a_descriptor_of_the_host_can_be_stolen",
	  "attack.steal_a_descriptor_of_the_host", .layers = NO_OTHERS, .control_as = ROOT },
	{ "limits_of_the_host_cannot_be_changed", "limits_of_the_host_can_be_changed",
	  "attack.limit_the_host", .layers = NO_OTHERS, .control_as = ORDINARY },
	{ "the_host_cannot_be_rescheduled", "the_host_can_be_rescheduled",
	  "attack.reschedule_the_host", .layers = NO_OTHERS },
	{ "the_host_cannot_be_offered_to_the_oom_killer",
	  "the_host_can_be_offered_to_the_oom_killer", "attack.offer_the_host_to_the_oom_killer",
	  .layers = NO_OTHERS },

	/* rights */
	{ "a_function_cannot_become_root", NULL, "attack.become_root", .layers = 0 },
	{ "a_function_holds_no_capability", "a_function_holds_capabilities",
	  "attack.hold_capabilities", .layers = FAAS_LAYER_CAPABILITIES },
	{ "a_function_gains_no_privileges_by_exec", "a_function_may_gain_privileges_by_exec",
	  "attack.gain_privileges_by_exec", .layers = FAAS_LAYER_NO_NEW_PRIVS,
	  .also = FAAS_LAYER_SECCOMP | FAAS_LAYER_LANDLOCK | FAAS_LAYER_NO_NETWORK },
	{ "a_function_enters_no_new_namespace", NULL, "attack.enter_new_namespaces",
	  .layers = FAAS_LAYER_SECCOMP },
	{ "a_function_mounts_nothing", NULL, "attack.mount_something",
	  .layers = FAAS_LAYER_CAPABILITIES },
	{ "a_function_cannot_change_its_root", "a_function_can_change_its_root",
	  "attack.change_root", .layers = FAAS_LAYER_CAPABILITIES | FAAS_LAYER_SECCOMP },

	/* files */
	{ "a_file_of_the_host_cannot_be_written", "a_file_of_the_host_can_be_written",
	  "attack.write_a_file_of_the_host", .layers = NO_FILES },
	{ "a_file_of_the_host_cannot_be_removed", "a_file_of_the_host_can_be_removed",
	  "attack.remove_a_file_of_the_host", .layers = NO_FILES },
	{ "a_file_of_the_host_cannot_be_read", "a_file_of_the_host_can_be_read",
	  "attack.read_a_file_of_the_host", .layers = NO_FILES },
	{ "nothing_can_be_created_outside_of_tmp", NULL, "attack.create_files_everywhere",
	  .layers = NO_FILES },
	{ "a_function_cannot_change_its_own_code", NULL, "attack.change_its_own_code",
	  .layers = NO_FILES },
	{ "no_file_makes_who_executes_it_its_owner", "a_file_may_make_who_executes_it_its_owner",
	  "attack.make_set_user_id_files", .layers = FAAS_LAYER_SECCOMP },
	{ "devices_are_out_of_reach", NULL, "attack.read_block_devices", .layers = NO_FILES },

	/* other ways out */
	{ "no_network_socket_can_be_opened", "a_network_socket_can_be_opened",
	  "attack.open_network_sockets", .layers = FAAS_LAYER_NO_NETWORK | FAAS_LAYER_SECCOMP },
	{ "an_abstract_socket_of_the_host_cannot_be_reached",
	  "an_abstract_socket_of_the_host_can_be_reached",
	  "attack.connect_to_an_abstract_socket_of_the_host",
	  .layers = FAAS_LAYER_NO_NETWORK | FAAS_LAYER_SECCOMP | FAAS_LAYER_LANDLOCK },
	{ "shared_memory_of_the_host_cannot_be_attached",
	  "shared_memory_of_the_host_can_be_attached", "attack.attach_shared_memory_of_the_host",
	  .layers = FAAS_LAYER_IPC_NS | FAAS_LAYER_SECCOMP },

	/* the kernel */
	{ "unknown_system_calls_do_nothing", NULL, "syscalls.make_unknown_calls", .layers = 0 },
	{ "x32_system_calls_do_nothing", NULL, "syscalls.make_x32_calls",
	  .stopped = "signal: bad system call" },
	{ "the_32_bit_door_is_shut", NULL, "syscalls.make_32_bit_calls",
	  .layers = FAAS_LAYER_SECCOMP, .stopped = "signal: bad system call" },
};

#define ATTACKS (sizeof(attacks) / sizeof(*attacks))

#endif
