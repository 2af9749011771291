/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook.c - handle_webhook of a plugin that takes messages as JSON: each kind of call to the function that serves it.
 */
#include <cs/helpers.h>

static int32_t
received(const struct csh *h, const struct cs_webhook *w, const struct csh_hooks *hooks)
{
	CSH_JSON message = csh_json_parse(w->body);

	return hooks->received(h, message);
}

int32_t
csh_hook(struct cs_call *call, const struct cs_webhook *w, const struct csh_hooks *hooks)
{
	const struct csh h = { w->host, call };

	switch (w->kind) {
	case CS_HOOK_RECEIVED:
		return hooks->received ? received(&h, w, hooks) : CS_UNSUPPORTED;
	case CS_HOOK_POLL:
		if (!hooks->poll)
			return CS_UNSUPPORTED;
		return csh_setting_true(&h, "poll") ? hooks->poll(&h, w->cursor) : CS_DONE;
	case CS_HOOK_SUBSCRIBE:
	case CS_HOOK_RENEW:
	case CS_HOOK_UNSUBSCRIBE:
		return hooks->subscribe ? hooks->subscribe(&h, w->kind, w->channel) : CS_UNSUPPORTED;
	default:
		return CS_UNSUPPORTED;
	}
}
