/* SPDX-License-Identifier: MIT */
/*
 * A ZIP has at most fifty megabytes, and many may ask for it and read slowly: it is read from
 * its file as it is sent, and so nobody has more of it in memory than one piece.
 */
#include <http/download.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>
#include <model/package/location.h>

#define PIECE 65536

struct download {
	struct fa_call call; /* [loop] the next piece */
	struct fa_api *api;
	struct fa_http_caller *caller;
	struct fa_package *package; /* stays while it is read */
	int fd;
	_Atomic bool waits; /* for the client to take more */
};

bool fa_download_is_meant(const struct fa_http_request *request)
{
	return !strncmp(request->target, FA_LOCATION_PATH, strlen(FA_LOCATION_PATH)) &&
	       (!strcmp(request->method, "GET") || !strcmp(request->method, "HEAD"));
}

static void drop(struct download *d)
{
	close(d->fd);
	fa_package_unref(d->package);
	fa_free(d);
}

/* Any thread, and maybe while the piece before is still being written. */
static void resume(void *data)
{
	struct download *d = data;
	bool waits = true;

	if (atomic_compare_exchange_strong(&d->waits, &waits, false))
		fa_loop_call(&d->api->rt->loop, &d->call);
}

/* A piece each turn of the loop, which has others to serve. */
static void go_on(struct fa_call *call)
{
	struct download *d = fa_container(call, struct download, call);
	char piece[PIECE];
	ssize_t n = read(d->fd, piece, sizeof(piece));

	if (n <= 0) {
		d->caller->end(d->caller, n == 0);
		drop(d);
		return;
	}
	atomic_store(&d->waits, true);
	if (d->caller->write(d->caller, (struct faas_bytes){ piece, (size_t)n }))
		resume(d);
}

static const struct fa_http_field fields[] = { { "Content-Type", "application/zip" } };

static void begin(struct download *d)
{
	d->caller->resume = resume;
	d->caller->resume_data = d;
	d->caller->begin(d->caller, 200, fields, 1);
	fa_loop_call(&d->api->rt->loop, &d->call);
}

/* For who takes no pieces. */
static int answer_whole(struct download *d, struct faas_error *err)
{
	struct stat info;
	char *all = NULL;
	int rc = 0;

	if (!fstat(d->fd, &info))
		all = fa_alloc_dirty(&d->api->rt->mem, (size_t)info.st_size);
	if (!all)
		rc = fa_error_nomem(err);
	else if (read(d->fd, all, (size_t)info.st_size) != info.st_size)
		rc = fa_error(err, FAAS_ESYSTEM, "cannot read the code");
	else
		d->caller->answer(d->caller, 200, fields, 1,
				  (struct faas_bytes){ all, (size_t)info.st_size });
	fa_free(all);
	return rc;
}

static struct download *open_it(struct fa_api *api, struct fa_http_caller *caller,
				const char *text, struct faas_error *err)
{
	struct fa_package *package = fa_packages_locate(&api->rt->packages, text, err);
	struct download *d = package ? fa_alloc(&api->rt->mem, sizeof(*d)) : NULL;
	int fd = d ? open(package->zip, O_RDONLY | O_CLOEXEC) : -1;

	if (package && !d)
		fa_error_nomem(err);
	else if (package && fd < 0)
		fa_error(err, FAAS_ESYSTEM, "cannot read the code");
	if (fd < 0) {
		fa_package_unref(package);
		fa_free(d);
		return NULL;
	}
	*d = (struct download){ .call.run = go_on,
				.api = api,
				.caller = caller,
				.package = package,
				.fd = fd };
	return d;
}

void fa_download_serve(struct fa_api *api, struct fa_http_caller *caller,
		       const struct fa_http_request *request)
{
	const char *text = request->target + strlen(FA_LOCATION_PATH);
	struct faas_error err = { 0 };
	struct download *d = open_it(api, caller, text, &err);

	if (d && caller->begin) {
		begin(d);
		return;
	}
	if (!d || answer_whole(d, &err))
		fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
	if (d)
		drop(d);
}
