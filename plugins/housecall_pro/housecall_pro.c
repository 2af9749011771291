/* SPDX-License-Identifier: Apache-2.0 */
/*
 * housecall_pro.c - Housecall Pro: a call becomes a Lead in the contractor's lead inbox. See housecall_pro.h
 * for who does what, housecall_pro.json for the data.
 */
#include <string.h>
#include "housecall_pro.h"

int32_t
hcp_refused(const struct csh *h, const struct cs_http_res *res, const char *what)
{
	if (res->status == 403)
		return h->host->fail(h->call, CS_REAUTH,
		    "%s: this key may not do that; API access needs the MAX plan and the right location (%s)",
		                     what, csh_vendor_error(h, res));
	return csh_refused(h, res, what);
}

const char *
hcp_tag(const struct csh *h, const struct cs_lead *lead)
{
	return csh_printf(h, HCP_TAG "%s", lead->event_id);
}

int
hcp_has_tag(json_object *tags, const char *tag)
{
	for (size_t i = 0; i < csh_count(tags); i++) {
		const char *one = json_object_get_string(json_object_array_get_idx(tags, i));

		if (one && strcmp(one, tag) == 0)
			return 1;
	}
	return 0;
}

int32_t
hcp_hook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	const struct csh h = { w->host, call };
	CSH_JSON message = NULL;

	(void)inst;
	if (w->kind == CS_HOOK_POLL)
		return csh_setting_true(&h, "poll") ? hcp_poll(&h, w->cursor) : CS_DONE;
	if (w->kind != CS_HOOK_RECEIVED)
		return CS_UNSUPPORTED;
	message = csh_json_parse(w->body);
	return hcp_received(&h, message);
}

CS_PLUGIN_V1(.name = "housecall_pro", .version = "0.1.0", .map = hcp_map, .push = hcp_push,
    .handle_webhook = hcp_hook)
