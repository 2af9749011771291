/* SPDX-License-Identifier: Apache-2.0 */
/*
 * renews.c - renews its token by itself, at the sandbox's HighLevel: with a request of its own, or (setting "how" is "core") by having the core
 * make the manifest's request and asking something with what came of it.
 */
#include <stdio.h>
#include <string.h>
#include "tiny.h"

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("create", "POST", "/contacts/");
	struct cs_http_res res = CS_RES_INIT;
	char body[300];
	int32_t rc;

	(void)inst;
	if (d->kind != CS_PUSH_LEAD)
		return CS_UNSUPPORTED;
	snprintf(body, sizeof(body), "{\"locationId\":\"%.100s\",\"firstName\":\"%.100s\"}", d->host->setting(call, "location").ptr,
	    d->lead->event_id);
	req.mutates = 1;
	req.body = (struct cs_bytes){ body, strlen(body) };
	if ((rc = d->host->http(call, &req, &res)) != CS_DONE)
		return rc;
	return res.status < 300 ? CS_DONE : d->host->fail(call, CS_REJECT, "refused with %d", res.status);
}

static int32_t
renew_by_core(struct cs_call *call, const struct cs_host_v1 *host)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/locations/");
	struct cs_http_res res = CS_RES_INIT;
	char path[200];
	int32_t rc;

	if ((rc = host->oauth_refresh(call)) != CS_DONE)
		return rc;
	snprintf(path, sizeof(path), "/locations/%.100s", host->setting(call, "location").ptr);
	req.url = path;
	if ((rc = host->http(call, &req, &res)) != CS_DONE)
		return rc;
	return res.status == 200 ? CS_DONE : host->fail(call, CS_RETRY, "the location is not there");
}

static int32_t
auth_refresh(void *inst, struct cs_call *call, const struct cs_host_v1 *host)
{
	static const struct cs_capture tokens[] = { { "/access_token", "access_token", CS_CAPTURE_SECRET, 0 },
		{ "/refresh_token", "refresh_token", CS_CAPTURE_SECRET, 0 } };
	struct cs_http_req req = CS_REQ("token", "POST", "/oauth/token");
	struct cs_http_res res = CS_RES_INIT;
	char body[1000];
	int32_t rc;

	(void)inst;
	if (strcmp(host->setting(call, "how").ptr, "core") == 0)
		return renew_by_core(call, host);
	snprintf(body, sizeof(body), "grant_type=refresh_token&user_type=Location&client_id=%.100s&client_secret=%.200s&refresh_token=%.200s",
	    host->setting(call, "client_id").ptr, host->secret_ref(call, "client_secret", CS_ENC_FORM).ptr,
	    host->secret_ref(call, "refresh_token", CS_ENC_FORM).ptr);
	req.mutates = 1;
	req.content_type = "application/x-www-form-urlencoded";
	req.body = (struct cs_bytes){ body, strlen(body) };
	req.capture = tokens;
	req.n_capture = 2;
	rc = host->http(call, &req, &res);
	if (rc == CS_REAUTH || (rc == CS_DONE && strstr(res.body.ptr, "invalid_grant") != NULL))
		return host->fail(call, CS_REAUTH, "Call +13055550100 and sign in again");
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return host->fail(call, CS_RETRY, "the token endpoint answers %d", res.status);
	host->emit(call, res.body);
	return CS_DONE;
}

CS_PLUGIN_V1(.name = "renews", .version = "1.0.0", .map = tiny_map, .push = push, .auth_refresh = auth_refresh)
