/*
 * minimal.c - the least that a plugin can be: each lead is posted as it came.
 *
 * The CRM drops what it has seen by the Idempotency-Key, so a request whose answer got lost is simply sent again
 * (manifest: on_doubt "repeat").
 */
#include <cs/plugin_v1.h>

static int32_t
minimal_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	(void)inst;
	return in->host->emit(call, in->lead->raw);
}

static int32_t
minimal_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_header key = { "Idempotency-Key", d->delivery_id };
	struct cs_http_req req = CS_REQ("send", "POST", "/leads");
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	(void)inst;
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	req.mutates = 1;
	req.body = d->document;
	req.headers = &key;
	req.n_headers = 1;
	if ((rc = d->host->http(call, &req, &res)) != CS_DONE)
		return rc; /* 401, 429, 5xx, time-outs: the host has classed them */
	if (res.status >= 300)
		return d->host->fail(call, CS_REJECT, "the lead was refused with %d", (int)res.status);
	return CS_DONE;
}

CS_PLUGIN_V1(.name = "minimal", .version = "1.0.0", .map = minimal_map, .push = minimal_push)
