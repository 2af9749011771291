/* SPDX-License-Identifier: Apache-2.0 */
/*
 * teller.c - a plugin that does with a webhook what the webhook says:
 *
 *     {"do": "retry" | "reject" | "reauth" | "ask" | "change" | "", "emit": [event, ...]}
 *
 * and that tells with every poll of a job whose number the cursor counts, or fails when the setting says so.
 */
#include <cs/helpers.h>

#include <stdlib.h>
#include <string.h>

static int32_t
map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	(void)inst;
	return in->host->emit(call, in->lead->raw);
}

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	(void)inst, (void)call, (void)d;
	return CS_DONE;
}

static int32_t
ask(const struct csh *h, int mutates)
{
	struct cs_http_req req = CS_REQ(mutates ? "change" : "ask", mutates ? "POST" : "GET", "/x");
	struct cs_http_res res = CS_RES_INIT;

	req.mutates = mutates;
	return h->host->http(h->call, &req, &res);
}

static int32_t
received(const struct csh *h, struct cs_bytes body)
{
	CSH_JSON o = csh_json_parse(body);
	json_object *list = csh_at(o, "/emit");
	const char *what = csh_get(o, "/do");

	for (size_t i = 0; i < csh_count(list); i++)
		csh_emit(h, json_object_array_get_idx(list, i));
	if (strcmp(what, "ask") == 0 || strcmp(what, "change") == 0)
		return ask(h, what[0] == 'c');
	if (strcmp(what, "retry") == 0)
		return h->host->fail(h->call, CS_RETRY, "as told");
	if (strcmp(what, "reject") == 0)
		return h->host->fail(h->call, CS_REJECT, "as told");
	return strcmp(what, "reauth") == 0 ? h->host->fail(h->call, CS_REAUTH, "as told") : CS_DONE;
}

static int32_t
polled(const struct csh *h, struct cs_bytes cursor)
{
	const char *n = csh_printf(h, "%d", cursor.len > 0 ? atoi(cursor.ptr) + 1 : 1);
	CSH_JSON event = csh_event("job.scheduled", "", csh_printf(h, "job:%s", n));

	csh_event_record(event, "job", n);
	csh_emit(h, event);
	h->host->cursor_put(h->call, csh_bytes(n));
	return csh_setting_true(h, "broken") ? h->host->fail(h->call, CS_RETRY, "as told") : CS_DONE;
}

static int32_t
handle_webhook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	struct csh h = { w->host, call };

	(void)inst;
	if (w->kind == CS_HOOK_RECEIVED)
		return received(&h, w->body);
	return w->kind == CS_HOOK_POLL ? polled(&h, w->cursor) : CS_UNSUPPORTED;
}

CS_PLUGIN_V1(.name = "teller", .version = "1.0.0", .map = map, .push = push, .handle_webhook = handle_webhook)
