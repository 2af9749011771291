/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frozen.c - calls every host function and reads every input of 1.0. What it finds goes into a header of its request and
 * into its events, where the conversations expect it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <cs/plugin_v1.h>

static const char *
bytes_text(struct cs_bytes b)
{
	return b.len ? b.ptr : "";
}

static int32_t
open_instance(const struct cs_host_v1 *host, struct cs_call *call, void **inst)
{
	static int cache = 1;

	host->log(call, CS_PRIO_DEBUG, "opened");
	*inst = &cache;
	return CS_DONE;
}

static void
close_instance(void *inst)
{
	(void)inst;
}

static int32_t
map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct cs_lead *l = in->lead;
	char *out = in->host->alloc(call, 1024);
	int n = snprintf(out, 1024, "{\"id\":\"%.40s\",\"city\":\"%.60s\",\"urgency\":\"%.20s\",\"score\":%d,\"s\":%" PRId64 ",\"tri\":%d,\"greets\":%d}",
	    l->event_id, strpbrk(l->contact->address->city, "\"\\") ? "" : "plain", l->request->urgency, (int)(l->analysis->score * 100),
	    l->call->duration_s, (int)l->request->is_existing_customer, in->host->setting(call, "greeting").len > 0);

	(void)inst;
	return in->host->emit(call, (struct cs_bytes){ out, (size_t)n });
}

static int32_t
use_services(const struct cs_host_v1 *host, struct cs_call *call)
{
	struct cs_bytes mac = { NULL, 0 }, text = { "x", 1 };

	host->secret_new(call, "born", 32);
	host->secret_equal(call, "token", text);
	host->hmac(call, CS_HMAC_SHA256, "token", text, &mac);
	host->oauth_refresh(call);
	host->budget(call, "api", 5, 1);
	host->fact_put(call, "account", text);
	return host->cancelled(call) ? CS_RETRY : CS_DONE;
}

static int32_t
send(const struct cs_delivery *d, struct cs_call *call, const char *step, const char *looks_for, struct cs_http_res *res)
{
	struct cs_bytes marker = d->host->secret_ref(call, "token", CS_ENC_RAW), fact = d->host->fact(call, "account");
	struct cs_header headers[] = { { "X-Token", marker.ptr }, { "X-Account", bytes_text(fact) } };
	struct cs_capture capture = { "/account", "account", CS_CAPTURE_FACT, 0 };
	struct cs_http_req req = CS_REQ(step, looks_for || strcmp(step, "find") == 0 ? "GET" : "POST", "/people");

	req.mutates = strcmp(step, "create") == 0;
	req.looks_for = looks_for;
	req.query = req.mutates ? NULL : "q=1";
	req.headers = headers;
	req.n_headers = 2;
	req.limit_class = "api";
	req.cost = 2;
	req.capture = &capture;
	req.n_capture = 1;
	req.timeout_ms = 5000;
	if (req.mutates) {
		req.content_type = "application/json";
		req.body = d->document;
	}
	return d->host->http(call, &req, res);
}

static int32_t
lead(const struct cs_delivery *d, struct cs_call *call)
{
	struct cs_bytes known = { NULL, 0 };
	struct cs_http_res res = CS_RES_INIT;
	int32_t state = d->host->receipt(call, "create", &known), rc;

	if (state == CS_RECEIPT_VALUE || d->host->remembered(call, "create", &known) == CS_RECEIPT_VALUE)
		return CS_DONE;
	if ((rc = send(d, call, "find", state == CS_RECEIPT_IN_DOUBT ? "create" : NULL, &res)) != CS_DONE)
		return rc;
	if (res.status == 404 && (rc = send(d, call, "create", NULL, &res)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return d->host->fail(call, CS_REJECT, "refused with %d", (int)res.status);
	if (res.n_headers == 0)
		d->host->warn(call, "an answer without headers");
	d->host->receipt_put(call, "create", (struct cs_bytes){ "51", 2 });
	d->host->record(call, "person", "51", NULL);
	return CS_DONE;
}

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	if (!inst || *(int *)inst != 1 || d->struct_size < sizeof(*d) || d->attempt < 1 || d->delivery_id[0] == '\0' || d->what[0] != '\0')
		return d->host->fail(call, CS_REJECT, "the delivery is not as 1.0 has it");
	use_services(d->host, call);
	return lead(d, call);
}

static int32_t
auth_refresh(void *inst, struct cs_call *call, const struct cs_host_v1 *host)
{
	(void)inst;
	return host->oauth_refresh(call);
}

static int32_t
hook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	char event[300];
	int n;

	(void)inst;
	if (w->kind != CS_HOOK_RECEIVED && w->kind != CS_HOOK_POLL)
		return CS_UNSUPPORTED;
	n = snprintf(event, sizeof(event), "{\"event\":\"job.paid\",\"dedupe\":\"d\",\"match\":[{\"type\":\"cursor\",\"id\":\"%zu\"}]}",
	    w->cursor.len + 1);
	if (w->kind == CS_HOOK_POLL)
		w->host->cursor_put(call, (struct cs_bytes){ "\"next\"", 6 });
	if (w->host->now_ms(call) > 0 && CS_HOST_HAS(w->host, alloc))
		return w->host->emit(call, (struct cs_bytes){ event, (size_t)n });
	return CS_DONE;
}

CS_PLUGIN_V1(.name = "frozen", .version = "1.0.0", .open = open_instance, .close = close_instance, .map = map, .push = push,
             .auth_refresh = auth_refresh, .handle_webhook = hook)
