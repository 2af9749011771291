/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bad.c - a plugin that breaks one rule per service type, so that the checker is seen to notice.
 */
#include <stdio.h>
#include <string.h>
#include <cs/plugin_v1.h>

static const char *crime; /* the worst one: state that another call overwrites */
static char caller[64];

static int32_t
request(const struct cs_delivery *d, struct cs_call *call, const char *step, const char *method,
        const char *url, int32_t mutates,
        struct cs_http_res *res)
{
	struct cs_http_req req = CS_REQ(step, method, url);

	req.mutates = mutates;
	if (mutates) {
		req.body.ptr = "{}";
		req.body.len = 2;
	}
	return d->host->http(call, &req, res);
}

static int32_t
bad_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	(void)inst;
	if (strcmp(in->lead->request->service_type, "map asks the time") == 0)
		in->host->now_ms(call);
	if (strcmp(in->lead->request->service_type, "map emits no JSON") == 0)
		return in->host->emit(call, (struct cs_bytes){ "hello", 5 });
	return in->host->emit(call, in->lead->raw);
}

static int32_t
header_crime(const struct cs_delivery *d, struct cs_call *call, struct cs_http_res *res)
{
	struct cs_header h = { "X-A", "1\r\nX-B: 2" };
	struct cs_http_req req = CS_REQ("find", "GET", "/x");

	req.headers = &h;
	req.n_headers = 1;
	return d->host->http(call, &req, res);
}

static int32_t
static_crime(const struct cs_delivery *d, struct cs_call *call, struct cs_http_res *res)
{
	char url[128];

	snprintf(caller, sizeof(caller), "%s", d->lead->contact->first_name);
	request(d, call, "find", "GET", "/x", 0, res);
	snprintf(url, sizeof(url), "/people/%s", caller);
	return request(d, call, "find", "GET", url, 0, res);
}

static int32_t
bad_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	const struct cs_host_v1 *host = d->host;
	struct cs_http_res res = CS_RES_INIT;

	(void)inst;
	crime = d->lead->request->service_type;
#define CRIME(s) (strcmp(crime, s) == 0)
	if (CRIME("undeclared step")) return request(d, call, "other", "GET", "/x", 0, &res);
	if (CRIME("undeclared mutation")) return request(d, call, "find", "POST", "/x", 1, &res);
	if (CRIME("doubt without look")) return request(d, call, "send", "POST", "/x", 1, &res);
	if (CRIME("mail again")) return request(d, call, "mail", "POST", "/x", 1, &res);
	if (CRIME("foreign host")) return request(d, call, "find", "GET", "https://evil.example.net/x", 0, &res);
	if (CRIME("foreign host by path")) return request(d, call, "find", "GET", "//evil.example.net/x", 0, &res);
	if (CRIME("header with line feed")) return header_crime(d, call, &res);
	if (CRIME("static state")) return static_crime(d, call, &res);
	if (CRIME("undeclared receipt")) return host->receipt_put(call, "other", (struct cs_bytes){ "1", 1 });
	if (CRIME("undeclared secret")) return host->secret_ref(call, "password", CS_ENC_RAW).len > 0 ? CS_DONE : CS_REJECT;
	if (CRIME("undeclared setting")) return host->setting(call, "other").len > 0 ? CS_REJECT : CS_DONE;
	if (CRIME("no outcome")) return 99;
	if (CRIME("silent")) return CS_DONE;
	if (CRIME("phone in the log"))
		host->log(call, CS_PRIO_INFO, "called %s", d->lead->contact->phone);
	return CS_DONE;
}

CS_PLUGIN_V1(.name = "bad", .version = "0.1.0", .map = bad_map, .push = bad_push)
