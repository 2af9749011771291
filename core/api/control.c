/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.c - alerts, reload, the list of routes; in test builds the clock.
 */
#include "config.h"
#include "api/resources.h"

#include <stdlib.h>
#include <string.h>

void
cs_api_alerts(struct cs_api_call *call)
{
	struct cs_view v;
	int64_t only_on;
	struct cs_err err;

	if (!cs_api_all_accounts(call) || !cs_api_query_int(call, "on", 0, 1, 0, &only_on))
		return;
	cs_api_view(call, &v);
	cs_api_reply_view(call, &v, cs_view_alerts(&v, only_on != 0, &err), &err);
}

void
cs_api_index(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);

	cs_out_open_list(&b);
	for (size_t i = 0; i < cs_api_n_routes; i++) {
		cs_out_open(&b, NULL, '{');
		cs_out_string(&b, "method", cs_api_routes[i].method);
		cs_out_string(&b, "path", cs_api_routes[i].path);
		cs_out_string(&b, "needs", cs_api_need_name(cs_api_routes[i].need));
		cs_out_string(&b, "help", cs_api_routes[i].help);
		cs_out_close(&b, '}');
	}
	cs_out_close_list(&b, 0);
	cs_api_reply(call, 200, &b);
}

void
cs_api_reload_now(struct cs_api_call *call)
{
	static const char asked[] = "{\"reload\":\"asked\"}\n";

	if (!cs_api_all_accounts(call))
		return;
	if (call->api->reload == NULL) {
		cs_api_refuse(call, 503, "this daemon cannot reload its configuration");
		return;
	}
	call->api->reload(call->api->reload_ctx);
	cs_http_reply_json(call->req, 202, asked, sizeof(asked) - 1);
}

#ifdef CS_TEST_HOOKS
static void
wake_up(struct cs_engine *e, struct cs_msg *m)
{
	(void)e;
	free(m);
}

void
cs_api_test_clock(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_clock *clock = (struct cs_clock *)(uintptr_t)call->api->clock; /* const for everybody else */
	struct cs_msg *m;
	int64_t set, now;

	if (!cs_api_body(call, &body))
		return;
	now = cs_now_ms(clock);
	set = cs_json_int(body, "set_ms", now) + cs_json_int(body, "advance_ms", 0);
	if (clock->fixed_ms != 0)
		cs_clock_set(clock, set);
	else
		clock->offset_ms += set - now;
	if (call->api->engine != NULL) {
		m = cs_xcalloc(1, sizeof(*m));
		m->handle = wake_up;
		if (!cs_engine_post(call->api->engine, m))
			free(m);
	}
	cs_out_open(&b, NULL, '{');
	cs_out_int(&b, "now_ms", cs_now_ms(clock));
	cs_out_close(&b, '}');
	cs_api_reply(call, 200, &b);
}
#endif
