/* SPDX-License-Identifier: MIT */
/*
 * The host changes its functions: makes, updates, renews and deletes them, publishes
 * versions and leads aliases from one to another, while events are on their way to all.
 */
#include "change.h"

#include <stdio.h>
#include <string.h>

#include <model/event_config.h>

#include "letters.h"

static int versions; /* made so far; each says in its description which it is */
static int most_retries[FUNCTIONS]; /* that it ever had: an update reaches events that wait */
static int published[FUNCTIONS];    /* the last number */

/* A number or an alias has a configuration of its own, which is never set here. */
int most_retries_of(const struct request *r)
{
	return strchr(r->name, ':') ? FA_MAX_RETRIES : most_retries[r->function];
}

void changes_begin(void)
{
	versions = 0;
	memset(most_retries, 0, sizeof(most_retries));
	memset(published, 0, sizeof(published));
}

static const char *name_of(int function)
{
	static const char *const names[FUNCTIONS] = { "0", "1", "2", "3", "4" };

	return names[function];
}

/* One of the last three and the next one. */
static int late_version(int function)
{
	int last = published[function];

	return (int)draw_between(last > 2 ? last - 2 : 1, last + 1) % 1000;
}

/* $LATEST, a version or an alias, which need not be there. */
void draw_name(char name[NAME_ROOM], int function)
{
	if (chance(600))
		snprintf(name, NAME_ROOM, "%d", function);
	else if (chance(700))
		snprintf(name, NAME_ROOM, "%d:live", function);
	else
		snprintf(name, NAME_ROOM, "%d:%d", function, late_version(function));
}

static bool see_one(void *data, const struct faas_function_info *info)
{
	(void)info;
	*(bool *)data = true;
	return false;
}

bool has_functions(void)
{
	bool any = false;

	faas_function_list(world.rt, see_one, &any);
	return any;
}

/* ---- the function itself ----------------------------------------------- */

/* Where limits are fixed. */
static bool has_provisioned(int function)
{
	return function == 2 || function == 4;
}

static struct faas_function_config draw_function(int function, char description[16])
{
	static const int64_t memory[] = { 128, 128, 256, 512, -1 };
	static const int64_t timeouts[] = { 10, 100, 1000, 3000, 20000, -1 };
	static const int64_t limits[] = { 0, 0, 1, 2, 3, 10, -1 };
	static const int64_t ages[] = { 60, 90, 200, 600, -1 };
	int limit = (int)draw_of(limits), provisioned = chance(300) ? (int)draw_between(1, 3) : 0;
	int retries = (int)draw_between(0, 2);

	if (retries > most_retries[function])
		most_retries[function] = retries;
	if (world.fixed_limits) {
		limit = function < 3 ? function : 0;
		provisioned = has_provisioned(function);
	}
	snprintf(description, 16, "%d", versions++);
	open_lines(versions - 1);
	if (limit && provisioned > limit)
		provisioned = limit;
	return (struct faas_function_config){
		.size = sizeof(struct faas_function_config),
		.name = name_of(function),
		.code = TEST_PLUGINS,
		.handler = "echo.echo",
		.description = description,
		.memory_mb = (int)draw_of(memory),
		.timeout_ms = (int)draw_of(timeouts),
		.max_concurrency = limit,
		.max_retries = retries ? retries : FAAS_NONE,
		.max_age_s = (int)draw_of(ages),
		.on_success = DONE,
		.dead_letter = DEAD,
		.provisioned = provisioned ? provisioned : FAAS_NONE,
	};
}

void create_function(int function)
{
	char description[16];
	struct faas_function_config config = draw_function(function, description);
	struct faas_error err = { 0 };
	int rc = faas_function_create(world.rt, &config, &err);

	note("f%d is created: %d MB, %d ms, at most %d, %d provisioned: %s", function,
	     config.memory_mb, config.timeout_ms, config.max_concurrency, config.provisioned,
	     faas_error_name(rc));
	if (rc && rc != FAAS_EEXIST && !strstr(err.message, "max_memory_mb") &&
	    !strstr(err.message, "oncurren"))
		broken("f%d cannot be created: %s", function, err.message);
}

static void update(void *data)
{
	int function = (int)(intptr_t)data;
	char description[16];
	struct faas_function_config config = draw_function(function, description);
	int rc;

	note("f%d is updated: %d MB, %d ms, at most %d, %d provisioned", function, config.memory_mb,
	     config.timeout_ms, config.max_concurrency, config.provisioned);
	rc = faas_function_update(world.rt, &config, NULL);
	note("f%d was updated: %s", function, faas_error_name(rc));
}

/* Nobody is told of the end of what comes back from the store and finds nothing. */
static void leave_orphans(int function, bool all)
{
	for (int i = 0; i < world.request_count; i++) {
		struct request *r = &world.requests[i];

		if (r->function == function && (all || strchr(r->name, ':')))
			r->orphan |= !r->succeeded;
	}
}

static void delete_function(int function)
{
	note("f%d is deleted", function);
	faas_function_delete(world.rt, name_of(function), NULL);
	leave_orphans(function, true);
}

static void change_function(int function)
{
	int limit = (int)draw_between(FAAS_NONE, 4), rc;

	switch (draw(6)) {
	case 0:
		if (world.fixed_limits)
			break; /* it would give back what it reserves */
		delete_function(function);
		break;
	case 1:
		note("f%d is renewed", function);
		faas_recycle(world.rt, name_of(function), NULL);
		break;
	case 2:
		if (world.fixed_limits)
			break;
		rc = faas_function_reserve(world.rt, name_of(function), limit, NULL);
		note("f%d reserves %d: %s", function, limit, faas_error_name(rc));
		break;
	case 3:
	case 4:
		if (world.fixed_limits && has_provisioned(function))
			break; /* while both versions work, both have what is provisioned */
		client_begin(update, (void *)(intptr_t)function);
		break;
	default:
		if (world.fixed_limits && has_provisioned(function))
			break; /* after a restart this is an update */
		create_function(function);
	}
}

/* ---- its versions and aliases ------------------------------------------- */

static void publish(void *data)
{
	int function = (int)(intptr_t)data, number, rc;

	rc = faas_version_publish(world.rt, name_of(function), NULL, &number, NULL);
	note("f%d is published: %s", function, faas_error_name(rc));
	if (!rc && number < published[function])
		broken("f%d: version %d after %d", function, number, published[function]);
	if (!rc)
		published[function] = number;
}

static void lead_alias(int function)
{
	int most = published[function];
	int first = (int)draw_between(most > 2 ? most - 2 : 0, most), second = 0, rc;
	double weight = (double)draw(11) / 10;

	if (first && chance(500))
		second = (int)draw_between(1, most);
	rc = faas_alias_set(world.rt, name_of(function), "live", first, second,
			    second ? weight : 0, NULL);
	note("f%d:live is %d, and %d in %.1f: %s", function, first, second, weight,
	     faas_error_name(rc));
}

static void delete_version(int function)
{
	char name[NAME_ROOM];
	int rc;

	snprintf(name, sizeof(name), "%d:%d", function, late_version(function));
	rc = faas_function_delete(world.rt, name, NULL);
	note("f%s is deleted: %s", name, faas_error_name(rc));
	leave_orphans(function, false);
}

static void provide(int function)
{
	char name[NAME_ROOM];
	int environments = (int)draw(3), rc;

	if (world.fixed_limits)
		return;
	do
		draw_name(name, function);
	while (!strchr(name, ':'));
	rc = faas_version_provision(world.rt, name, environments, NULL);
	note("f%s gets %d ahead: %s", name, environments, faas_error_name(rc));
}

static void change_names(int function)
{
	int rc;

	switch (draw(8)) {
	case 0:
		rc = faas_alias_delete(world.rt, name_of(function), "live", NULL);
		note("f%d:live is deleted: %s", function, faas_error_name(rc));
		leave_orphans(function, false);
		break;
	case 1:
		delete_version(function);
		break;
	case 2:
		provide(function);
		break;
	case 3:
	case 4:
		client_begin(publish, (void *)(intptr_t)function);
		break;
	default:
		lead_alias(function);
	}
}

void change_something(void)
{
	int function = (int)draw(FUNCTIONS);

	if (chance(500))
		change_function(function);
	else
		change_names(function);
}
