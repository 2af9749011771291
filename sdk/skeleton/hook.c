/*
 * hook.c - what @Title@ reports, as an event. The core has checked the signature by the manifest's "webhook" row.
 *
 * A message may come twice: `dedupe` is made of what tells one happening from another, never of the time of this call.
 */
#include <string.h>
#include "@name@.h"

int32_t
@name@_hook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	const struct csh h = { w->host, call };
	CSH_JSON message = csh_json_parse(w->body);
	CSH_JSON event = NULL;
	const char *job = csh_get(message, "/job/id"), *contact = csh_get(message, "/job/contact_id");

	(void)inst;
	if (w->kind != CS_HOOK_RECEIVED)
		return CS_UNSUPPORTED;
	if (strcmp(csh_get(message, "/event"), "job.paid") != 0 || !*job || !*contact)
		return CS_DONE; /* more may be subscribed to than is reported */
	event = csh_event("job.paid", csh_time(&h, csh_get_int(message, "/paid_at_ms", 0)), csh_printf(&h, "job.paid:%s", job));
	csh_event_record(event, "contact", contact);
	csh_event_also(event, "job", job);
	csh_event_amount(event, csh_cents(&h, csh_get_int(message, "/job/amount_cents", 0)), "USD", "paid");
	return csh_emit(&h, event);
}
