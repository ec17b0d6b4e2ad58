/* SPDX-License-Identifier: MIT */
/*
 * In a network of its own the API listens where anybody would look for it. In the host's
 * network others could connect, too: there the address is drawn out of the sixteen million of
 * the loopback interface, the port by the kernel, and no environment can see which are taken.
 */
#include <worker/program/launch.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <base/error.h>
#include <base/text.h>
#include <worker/clone.h>

#define PORT 9001
#define CLOSE_ON_EXEC 4u /* CLOSE_RANGE_CLOEXEC */

struct sockaddr_in fa_launch_address(const struct fa_run *run)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	uint32_t drawn;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(PORT);
	if (run->own_network)
		return address;
	fa_random_bytes(&drawn, sizeof(drawn));
	address.sin_addr.s_addr = htonl(0x7f000001 + drawn % 0xfffffd);
	address.sin_port = 0;
	return address;
}

/* ---- in the child -------------------------------------------------------- */

static _Noreturn void become(const char *path, char *const *argv, char **variables,
			     const struct fa_launch_fds *fds, int trouble)
{
	sigset_t none;
	int error;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (fds->output >= 0) {
		dup2(fds->output, STDOUT_FILENO);
		dup2(fds->output, STDERR_FILENO);
	}
	syscall(SYS_close_range, 3, ~0u, CLOSE_ON_EXEC);
	fcntl(fds->frames, F_SETFD, 0);
	execve(path, argv, variables);
	error = errno;
	if (write(trouble, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* ---- in process 1 -------------------------------------------------------- */

static bool find_bootstrap(const struct fa_settings *settings, char path[PATH_MAX])
{
	const char *const places[] = { settings->runtime_directory, settings->code, settings->opt };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!*places[i])
			continue;
		snprintf(path, PATH_MAX, "%s/bootstrap", places[i]);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* Static: it is once in a process's life. */
void fa_launch_prepare(const struct fa_run *run, const struct sockaddr_in *api, int frames_fd)
{
	static char where[64], frames[48];
	char ip[INET_ADDRSTRLEN];

	snprintf(where, sizeof(where), "AWS_LAMBDA_RUNTIME_API=%s:%u",
		 inet_ntop(AF_INET, &api->sin_addr, ip, sizeof(ip)), ntohs(api->sin_port));
	fa_settings_put(run->variables, where);
	fa_settings_say_stream(run->variables, run->stream);
	snprintf(frames, sizeof(frames), "_LAMBDA_TELEMETRY_LOG_FD=%d", frames_fd);
	if (frames_fd >= 0)
		fa_settings_put(run->variables, frames);
	if (run->provisioned && !(run->flags & FA_NEST_SNAP_START))
		fa_settings_say_initialization(run->variables, "provisioned-concurrency");
}

static int cannot_run(struct faas_error *err, const char *path, int error)
{
	return fa_error_typed(err, FAAS_EFUNCTION, "Runtime.InvalidEntrypoint",
			      "fork/exec %s: %s", path, strerror(error));
}

/* The child's pid once it is the bootstrap: its end of the pipe closes without a word. */
static pid_t wait_for_exec(pid_t pid, int pipe, const char *path, struct faas_error *err)
{
	int error;
	ssize_t n;

	do
		n = read(pipe, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(error) ? cannot_run(err, path, error) : pid;
}

static pid_t spawn_with(const char *path, char *const *argv, char **variables,
			const struct fa_launch_fds *fds, struct faas_error *err)
{
	int trouble[2];
	pid_t pid;

	if (pipe2(trouble, O_CLOEXEC) < 0)
		return cannot_run(err, path, errno);
	pid = fa_clone(0, NULL);
	if (!pid)
		become(path, argv, variables, fds, trouble[1]);
	close(trouble[1]);
	pid = pid < 0 ? cannot_run(err, path, -pid) :
			wait_for_exec(pid, trouble[0], path, err);
	close(trouble[0]);
	return pid;
}

static pid_t spawn(const char *path, char **variables, const struct fa_launch_fds *fds,
		   struct faas_error *err)
{
	char *const argv[] = { (char *)path, NULL };

	return spawn_with(path, argv, variables, fds, err);
}

/* ---- of an image ---------------------------------------------------------- */

/* Where PATH leads, as execvp() would have it. */
static bool search(const char *name, const char *places, char path[PATH_MAX])
{
	while (places) {
		size_t len = strcspn(places, ":");

		snprintf(path, PATH_MAX, "%.*s/%s", len ? (int)len : 1, len ? places : ".", name);
		if (access(path, X_OK) == 0)
			return true;
		places = places[len] ? places + len + 1 : NULL;
	}
	return false;
}

static char **list_arguments(const struct fa_settings *settings)
{
	const char *at;
	size_t count = 0;
	char **list;

	for (at = settings->arguments; at < settings->end; at += strlen(at) + 1)
		count++;
	list = calloc(count + 1, sizeof(*list));
	count = 0;
	for (at = settings->arguments; list && at < settings->end; at += strlen(at) + 1)
		list[count++] = (char *)at;
	return list;
}

static pid_t launch_image(const struct fa_run *run, const struct fa_launch_fds *fds,
			  struct faas_error *err)
{
	const char *name = run->settings.arguments, *directory = run->settings.working_directory;
	char path[PATH_MAX], **list;
	pid_t pid;

	if (*directory && chdir(directory) < 0)
		return fa_error_typed(err, FAAS_EFUNCTION, "Runtime.InvalidWorkingDir",
				      "chdir %.200s: %s", directory, strerror(errno));
	snprintf(path, sizeof(path), "%s", name);
	if (!strchr(name, '/') && !search(name, fa_settings_getenv(run->variables, "PATH"), path))
		return fa_error_typed(err, FAAS_EFUNCTION, "Runtime.InvalidEntrypoint",
				      "exec: \"%.200s\": executable file not found in $PATH", name);
	list = list_arguments(&run->settings);
	pid = list ? spawn_with(path, list, run->variables, fds, err) :
		     cannot_run(err, path, ENOMEM);
	free(list);
	return pid;
}

pid_t fa_launch(const struct fa_run *run, const struct fa_launch_fds *fds, struct faas_error *err)
{
	char path[PATH_MAX];

	if (run->settings.arguments)
		return launch_image(run, fds, err);
	if (find_bootstrap(&run->settings, path))
		return spawn(path, run->variables, fds, err);
	return fa_error_typed(err, FAAS_EFUNCTION, "Runtime.InvalidEntrypoint",
			      "Couldn't find valid bootstrap(s): [/var/task/bootstrap "
			      "/opt/bootstrap]");
}

/* ---- extensions ----------------------------------------------------------- */

static bool is_runtimes(const char *assignment)
{
	static const char *const names[] = {
		"_",
		"AWS_LAMBDA_LOG_GROUP_NAME=",
		"AWS_LAMBDA_LOG_STREAM_NAME=",
		"AWS_XRAY_CONTEXT_MISSING=",
		"LAMBDA_TASK_ROOT=",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(assignment, names[i], strlen(names[i])))
			return true;
	return false;
}

/* The variables without those that are the runtime's alone. */
static char **variables_of_extensions(char **all)
{
	size_t count = 0;
	char **kept;

	while (all[count])
		count++;
	kept = calloc(count + 1, sizeof(*kept));
	count = 0;
	for (; kept && *all; all++)
		if (!is_runtimes(*all))
			kept[count++] = *all;
	return kept;
}

static int launch_one(struct fa_extensions *x, const char *folder, const char *name,
		      char **variables, const struct fa_tap *output, struct faas_error *err)
{
	const struct fa_launch_fds fds = { .frames = -1, .output = output->writer };
	struct fa_extension *extension = &x->at[x->count];
	char path[PATH_MAX + FA_EXTENSION_NAME * 2 + 2];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (x->count == FA_EXTENSIONS_MAX || strlen(name) >= sizeof(extension->name))
		return fa_error_typed(err, FAAS_EFUNCTION, "Extension.LaunchError",
				      "%s: there may be %d extensions", path, FA_EXTENSIONS_MAX);
	memset(extension, 0, sizeof(*extension));
	strcpy(extension->name, name);
	extension->pid = spawn(path, variables, &fds, err);
	if (extension->pid < 0)
		return fa_error_typed(err, FAAS_EFUNCTION, "Extension.LaunchError",
				      "%s cannot be executed", path);
	x->count++;
	return 0;
}

int fa_launch_extensions(const struct fa_run *run, struct fa_extensions *x, struct fa_tap *output,
			 struct faas_error *err)
{
	char folder[PATH_MAX], **variables = NULL;
	const struct dirent *entry;
	DIR *files;
	int rc = 0;

	snprintf(folder, sizeof(folder), "%s/extensions", run->settings.opt);
	files = *run->settings.opt ? opendir(folder) : NULL;
	if (files)
		variables = variables_of_extensions(run->variables);
	while (variables && !rc && (entry = readdir(files)))
		if (entry->d_type == DT_REG) {
			fa_tap_open(output);
			rc = launch_one(x, folder, entry->d_name, variables, output, err);
		}
	fa_tap_given(output);
	free(variables);
	if (files)
		closedir(files);
	return rc;
}
