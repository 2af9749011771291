/* SPDX-License-Identifier: Apache-2.0 */
/*
 * housecall_pro.c - Housecall Pro: a call becomes a Lead in the contractor's lead inbox. See housecall_pro.h
 * for who does what, housecall_pro.json for the data.
 */
#include <string.h>
#include <strings.h>
#include "housecall_pro.h"

static int
says(const char *text, const char *const *words)
{
	for (; *text; text++)
		for (size_t i = 0; words[i]; i++)
			if (strncasecmp(text, words[i], strlen(words[i])) == 0)
				return 1;
	return 0;
}

/* The vendor has no code for it, so its words tell a plan without API from a location that is not the user's. */
int32_t
hcp_refused(const struct csh *h, const struct cs_http_res *res, const char *what)
{
	static const char *const plan[] = { "plan", "upgrade", "subscription", NULL }, *const place[] = { "location", "company", NULL };
	const char *words = csh_vendor_error(h, res), *why = "this key may not do that; API access needs the MAX plan and the right location";

	if (res->status != 402 && res->status != 403)
		return csh_refused(h, res, what);
	if (res->status == 402 || says(words, plan))
		why = "the plan of this Housecall Pro account has no API access; it comes with the MAX plan";
	else if (says(words, place))
		why = "this access is not for that location; look at the connection's location id, or connect with a user who may see it";
	return h->host->fail(h->call, CS_REAUTH, "%s: %s (%s)", what, why, words);
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

/*
 * The operator's app has one address for all companies; this switches its delivery on or off for the company that signed in.
 * With a company's own key there is nothing to switch: its webhooks are made in the App Store.
 */
static int32_t
subscribe(const struct csh *h, int32_t kind, const char *channel)
{
	int on = kind != CS_HOOK_UNSUBSCRIBE;
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	(void)channel;
	if (!*csh_fact(h, "signed_in"))
		return CS_DONE;
	rc = csh_write(h, "subscribe", on ? "POST" : "DELETE", "/webhooks/subscription", body, &res, &answer);
	if (rc != CS_DONE || res.status < 300)
		return rc;
	if (!on && res.status == 404) {
		h->host->warn(h->call, "webhooks were off already");
		return CS_DONE;
	}
	return hcp_refused(h, &res, on ? "webhooks could not be switched on" : "webhooks could not be switched off");
}

int32_t
hcp_hook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	(void)inst;
	return csh_hook(call, w, &(struct csh_hooks){ hcp_received, hcp_poll, subscribe });
}

CS_PLUGIN_V1(.name = "housecall_pro", .version = "0.1.0", .map = hcp_map, .push = hcp_push,
    .handle_webhook = hcp_hook)
