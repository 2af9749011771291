/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook.c - every lead or event as a Standard Webhooks POST: CallSetter's own events, Zapier, Make, n8n,
 * anybody's service.
 *
 * The body goes out as it came (no JSON is read on the way), so this is also the fastest road through
 * csrelay. A repeat carries the same webhook-id and a new timestamp; receivers drop what they have seen,
 * therefore doubt is settled by sending again (manifest: on_doubt "repeat").
 *
 * The core signs what goes out, by the manifest's "sign": HMAC-SHA256 over "webhook-id.webhook-timestamp.body".
 * While a secret is being changed both signatures are sent.
 */
#include <inttypes.h>
#include <string.h>
#include <cs/helpers.h>

#define MAX_EXTRA 12

/* ---- map */
static int32_t
emit_envelope(const struct csh *h, const struct cs_lead *lead, int with_id)
{
	struct csh_str s = CSH_STR(h);

	csh_adds(&s, "{");
	if (with_id) {
		csh_adds(&s, "\"id\":");
		csh_add_json(&s, lead->event_id);
		csh_adds(&s, ",");
	}
	csh_adds(&s, "\"type\":");
	csh_add_json(&s, lead->event);
	csh_adds(&s, ",\"timestamp\":");
	csh_add_json(&s, lead->timestamp_utc);
	csh_adds(&s, ",\"data\":");
	csh_add(&s, lead->raw.ptr, lead->raw.len);
	csh_adds(&s, "}");
	return h->host->emit(h->call, (struct cs_bytes){ s.ptr, s.len });
}

/* Zapier de-duplicates by a top-level "id". */
static int32_t
emit_with_id(const struct csh *h, const struct cs_lead *lead)
{
	const char *open = memchr(lead->raw.ptr, '{', lead->raw.len);
	struct csh_str s = CSH_STR(h);

	if (!open)
		return h->host->emit(h->call, lead->raw);
	csh_adds(&s, "{\"id\":");
	csh_add_json(&s, lead->event_id);
	csh_adds(&s, ",");
	csh_add(&s, open + 1, lead->raw.len - (size_t)(open + 1 - lead->raw.ptr));
	return h->host->emit(h->call, (struct cs_bytes){ s.ptr, s.len });
}

static int32_t
webhook_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	const char *envelope = csh_setting(&h, "envelope");
	int with_id = strcmp(envelope, "id") == 0 || strcmp(csh_setting(&h, "host_flavor"), "zapier") == 0;

	(void)inst;
	if (strcmp(envelope, "standard") == 0)
		return emit_envelope(&h, in->lead, with_id);
	return with_id ? emit_with_id(&h, in->lead) : in->host->emit(call, in->lead->raw);
}

/* ---- push */
static size_t
extra_headers(const struct csh *h, struct cs_header *out)
{
	CSH_JSON o = csh_json_parse(h->host->setting(h->call, "headers"));
	size_t n = 0;

	if (!json_object_is_type(o, json_type_object))
		return 0;
	json_object_object_foreach(o, key, v) {
		const char *value = json_object_get_string(v);

		if (n == MAX_EXTRA || !value)
			break;
		out[n].name = csh_strndup(h, key, strlen(key));
		out[n++].value = csh_strndup(h, value, strlen(value));
	}
	return n;
}

/* What a refusal means, seen from who answers. */
static int32_t
judge(const struct csh *h, const struct cs_http_res *res)
{
	const char *flavor = csh_setting(h, "host_flavor");

	if (res->status < 300)
		return CS_DONE;
	if (res->status < 400)
		return h->host->fail(h->call, CS_REJECT,
		    "redirected with %d: give the receiver's final address",
		                     (int)res->status);
	if (res->status == 410)
		return h->host->fail(h->call, CS_REJECT, "endpoint gone: the receiver was removed (410)");
	if (res->status == 404 && strcmp(flavor, "n8n") == 0)
		return h->host->fail(h->call, CS_RETRY,
		    "the n8n workflow is not active, or its Webhook node is not set to POST (404)");
	if (res->status == 404 && strcmp(flavor, "zapier") == 0)
		return h->host->fail(h->call, CS_RETRY, "the Zap is switched off (404)");
	if (res->status == 400 && strcmp(flavor, "make") == 0)
		return h->host->fail(h->call, CS_RETRY, "Make's queue is full or the scenario is off (400)");
	return h->host->fail(h->call, CS_REJECT, "refused with %d: %s", (int)res->status,
	    csh_vendor_error(h, res));
}

static int32_t
webhook_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	const struct csh h = { d->host, call };
	const char *timestamp = csh_printf(&h, "%" PRId64, d->host->now_ms(call) / 1000);
	struct cs_header headers[2 + MAX_EXTRA] = { { "webhook-id", d->lead->event_id },
	    { "webhook-timestamp", timestamp } };
	struct cs_http_req req = CS_REQ("send", "POST", csh_setting(&h, "url"));
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	(void)inst;
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	req.mutates = 1;
	req.body = d->document.len ? d->document : d->lead->raw;
	req.headers = headers;
	req.n_headers = 2;
	req.n_headers += extra_headers(&h, headers + req.n_headers);
	rc = d->host->http(call, &req, &res);
	if (rc == CS_REAUTH && res.status == 0)
		return d->host->fail(call, rc, "the message cannot be signed: set signing_secret, or switch signing off");
	return rc == CS_DONE ? judge(&h, &res) : rc;
}

CS_PLUGIN_V1(.name = "webhook", .version = "0.1.0", .map = webhook_map, .push = webhook_push)
