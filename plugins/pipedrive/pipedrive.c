/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipedrive.c - Pipedrive: a call becomes a person and a lead in the Leads Inbox, with a note. See pipedrive.h for who does what,
 * pipedrive.json for the data.
 *
 * Requests are limited in windows of two seconds, which headers report, and by a budget of tokens a day that the whole company
 * shares and nothing reports: a 429 with room left in the window is taken for its end. Who keeps asking after a 429 gets a page
 * from the vendor's network instead of an answer, with 403.
 */
#include <stdlib.h>
#include <string.h>
#include "pipedrive.h"

#define HOUR_MS (3600 * 1000)
#define BLOCKED_MS (10 * 60 * 1000)

static int
is_page(const struct cs_http_res *res)
{
	return res->body.len > 0 && res->body.ptr[0] == '<';
}

static int32_t
heed_limits(const struct csh *h, const struct cs_http_req *req, const struct cs_http_res *res, int32_t rc)
{
	int64_t left = strtoll(csh_header(res, "x-ratelimit-remaining"), NULL, 10);

	csh_heed_left(h, res, req->limit_class ? req->limit_class : "api", "x-ratelimit-remaining", 0);
	if (res->status == 429 && !*csh_header(res, "retry-after"))
		h->host->retry_after(h->call, left > 0 ? HOUR_MS : 2000);
	if (rc != CS_DONE || res->status != 403 || !is_page(res))
		return rc;
	h->host->retry_after(h->call, BLOCKED_MS);
	return h->host->fail(h->call, CS_WAIT, "Pipedrive blocks requests for a while");
}

int32_t
pipedrive_send(const struct csh *h, const struct cs_http_req *req, struct cs_http_res *res, json_object **answer)
{
	return heed_limits(h, req, res, csh_send(h, req, res, answer));
}

int32_t
pipedrive_read(const struct csh *h, const char *step, const char *looks_for, const char *path, const char *query,
               struct cs_http_res *res, json_object **answer)
{
	struct cs_http_req req = CS_REQ(step, "GET", path);

	req.looks_for = looks_for;
	req.query = query;
	return pipedrive_send(h, &req, res, answer);
}

int32_t
pipedrive_write(const struct csh *h, const char *step, const char *method, const char *path, json_object *body,
                struct cs_http_res *res, json_object **answer)
{
	struct cs_http_req req = CS_REQ(step, method, path);

	req.mutates = 1;
	if (body)
		req.body = csh_json_bytes(body);
	return pipedrive_send(h, &req, res, answer);
}

int32_t
pipedrive_refused(const struct csh *h, const struct cs_http_res *res, const char *what)
{
	if (res->status == 402 || res->status == 403)
		return h->host->fail(h->call, CS_REAUTH, "%s: this Pipedrive user, app or plan may not do that (%s)", what,
		    csh_vendor_error(h, res));
	return csh_refused(h, res, what);
}

int32_t
pipedrive_hook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	(void)inst;
	return csh_hook(call, w, &(struct csh_hooks){ pipedrive_received, pipedrive_poll, pipedrive_subscribe });
}

CS_PLUGIN_V1(.name = "pipedrive", .version = "0.1.0", .map = pipedrive_map, .push = pipedrive_push,
             .handle_webhook = pipedrive_hook)
