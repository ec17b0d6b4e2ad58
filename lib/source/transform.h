/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_TRANSFORM_H
#define FA_SOURCE_TRANSFORM_H

#include <base/document.h>
#include <base/json.h>
#include <base/text.h>

/*
 * What a target of a bus gets of an event, by the members of a configuration:
 *   Input             this, whatever the event is
 *   InputPath         a part of it: $.detail, $.detail.items[0].id, $.detail.items[*].id
 *   InputTransformer  {"InputPathsMap":{NAME:PATH,...},"InputTemplate":TEXT}: the text with
 *                     what the paths lead to in the place of <NAME>
 * or the event as it is. In quotes a text goes in as it is, and anything else as a text; out of
 * them all is JSON. A template that is no JSON then becomes a text. What a path does not find is
 * null, and nothing in quotes. <aws.events.rule-arn>, <aws.events.rule-name>,
 * <aws.events.event> (without its detail), <aws.events.event.json> and
 * <aws.events.event.ingestion-time> need no path.
 */
struct fa_transform {
	struct fa_json event;
	const char *rule_arn, *rule_name;
	int64_t came_ms;
};

/* At most one of them, and well-formed. FAAS_EINVAL. */
int fa_transform_check(const struct fa_document *config, struct faas_error *err);
/* `spare` is for values on their way. */
void fa_transform_write(struct fa_text *out, struct fa_text *spare,
			const struct fa_document *config, const struct fa_transform *transform);

#endif
