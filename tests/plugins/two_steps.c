/* SPDX-License-Identifier: Apache-2.0 */
/*
 * two_steps.c - find, create, note: the shape of most CRMs.
 *
 * What `create` left behind is its receipt. In doubt, the look-up settles it. A note that is refused is only a remark.
 */
#include "tiny.h"

static int32_t
find(struct cs_call *call, const struct cs_delivery *d, int32_t state, struct cs_bytes *id)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/contacts");
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	req.query = "phone=1";
	req.looks_for = state == CS_RECEIPT_IN_DOUBT ? "create" : NULL;
	if ((rc = d->host->http(call, &req, &res)) != CS_DONE)
		return rc;
	if (res.status == 200)
		*id = res.body;
	return CS_DONE;
}

static int32_t
create(struct cs_call *call, const struct cs_delivery *d, struct cs_bytes *id)
{
	struct cs_http_req req = CS_REQ("create", "POST", "/contacts");
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	req.mutates = 1;
	req.body = d->document;
	if ((rc = d->host->http(call, &req, &res)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return d->host->fail(call, CS_REJECT, "the contact was refused with %d", (int)res.status);
	*id = res.body;
	return CS_DONE;
}

static int32_t
note(struct cs_call *call, const struct cs_delivery *d, struct cs_bytes id)
{
	struct cs_http_req req = CS_REQ("note", "POST", "/notes");
	struct cs_http_res res = CS_RES_INIT;
	struct cs_bytes done;
	int32_t rc;

	if (d->host->receipt(call, "note", &done) == CS_RECEIPT_VALUE)
		return CS_DONE;
	req.mutates = 1;
	req.body = id;
	if ((rc = d->host->http(call, &req, &res)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		d->host->warn(call, "the note was refused with %d", (int)res.status);
	else
		d->host->receipt_put(call, "note", res.body);
	return CS_DONE;
}

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_bytes id;
	int32_t state = d->host->receipt(call, "create", &id), rc;

	(void)inst;
	if (state != CS_RECEIPT_VALUE) {
		if ((rc = find(call, d, state, &id)) != CS_DONE)
			return rc;
		if (id.len == 0 && (rc = create(call, d, &id)) != CS_DONE)
			return rc;
		d->host->receipt_put(call, "create", id);
		d->host->record(call, "contact", id.ptr, NULL);
	}
	return note(call, d, id);
}

CS_PLUGIN_V1(.name = "two_steps", .version = "1.0.0", .map = tiny_map, .push = push)
