/* SPDX-License-Identifier: MIT */
/*
 * Tumbling windows: a lane hands the state that the function returned on to the next batch of
 * the same window, and at its end once more without records. A record belongs to the window
 * of its arrival; one that comes when that is over belongs to the next that opens.
 */
#include <source/shards.h>

#include <string.h>

#include <base/json.h>

#define STATE_MAX (1 << 20)
#define FOOT_MAX 1024

static int64_t length_ms(const struct fa_lane *lane)
{
	return fa_lane_config(lane)->tumble_ms;
}

int64_t fa_window_end(const struct fa_lane *lane)
{
	return lane->window.start_ms && length_ms(lane) ?
		       lane->window.start_ms + length_ms(lane) : INT64_MAX;
}

static void open_window(struct fa_lane *lane, int64_t sent_ms)
{
	int64_t start_ms = sent_ms - sent_ms % length_ms(lane);

	lane->window.start_ms = start_ms > lane->window.ended_ms ? start_ms :
								   lane->window.ended_ms;
}

int fa_window_take(struct fa_lane *lane, int count)
{
	struct fa_list *pos = lane->buffer.next;
	int n = 1;

	if (!length_ms(lane))
		return count;
	if (!lane->window.start_ms)
		open_window(lane, fa_item(pos)->message.sent_ms);
	for (pos = pos->next; n < count; n++, pos = pos->next)
		if (fa_item(pos)->message.sent_ms >= fa_window_end(lane))
			break;
	return n;
}

bool fa_window_is_over(const struct fa_lane *lane)
{
	int64_t end_ms = fa_window_end(lane);

	if (end_ms == INT64_MAX)
		return false;
	if (lane->window.early)
		return true;
	if (lane->buffered)
		return fa_item(lane->buffer.next)->message.sent_ms >= end_ms;
	return fa_lane_unix_ms(lane) >= end_ms && !lane->maybe && !lane->reading;
}

static void put_time(struct fa_text *out, const char *before, int64_t unix_ms)
{
	fa_text_add(out, before);
	fa_text_second(out, unix_ms);
	fa_text_add(out, "\"");
}

static void put_flag(struct fa_text *out, const char *before, bool flag)
{
	fa_text_add(out, before);
	fa_text_add(out, flag ? "true" : "false");
}

char *fa_window_foot(const struct fa_lane *lane)
{
	const struct fa_window *w = &lane->window;
	const char *state = w->state ? w->state : "{}", *arn;
	struct fa_text out = { .size = strlen(state) + FOOT_MAX };
	char id[FA_SHARD_ID];

	out.data = fa_alloc_dirty(&fa_lane_runtime(lane)->mem, out.size);
	if (!out.data)
		return NULL;
	fa_shard_id(id, lane->shard->number);
	arn = lane->shard->of->mapping->config->arn;
	put_time(&out, "],\"window\":{\"start\":\"", w->start_ms);
	put_time(&out, ",\"end\":\"", fa_window_end(lane));
	fa_text_add(&out, "},\"state\":");
	fa_text_add(&out, state);
	fa_text_add(&out, ",\"shardId\":\"");
	fa_text_add(&out, id);
	fa_text_add(&out, "\",\"eventSourceARN\":\"");
	fa_text_json(&out, arn, strlen(arn));
	put_flag(&out, "\",\"isFinalInvokeForWindow\":", w->last);
	put_flag(&out, ",\"isWindowTerminatedEarly\":", w->early);
	fa_text_add(&out, "}");
	return out.data;
}

bool fa_window_answered(struct fa_lane *lane, struct faas_bytes answer)
{
	struct fa_json whole, state = { NULL, 0 };
	char *copy;

	if (lane->window.last)
		return true; /* nobody asks for it any more */
	if (fa_json_read(answer.data, answer.len, &whole) &&
	    fa_json_kind(whole) == FA_JSON_OBJECT)
		state = fa_json_get(whole, "state");
	if (fa_json_kind(state) == FA_JSON_NONE)
		return false;
	copy = fa_memdup(&fa_lane_runtime(lane)->mem, state.text, state.len);
	if (!copy)
		return false;
	fa_free(lane->window.state);
	lane->window.state = copy;
	lane->window.early = state.len > STATE_MAX;
	return true;
}

void fa_window_close(struct fa_lane *lane)
{
	struct fa_window *w = &lane->window;

	if (!w->early)
		w->ended_ms = fa_window_end(lane);
	w->start_ms = 0;
	w->last = w->early = false;
	fa_free(w->state);
	w->state = NULL;
	fa_shard_changed(lane->shard);
}
