/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify.c - asking once who is connected, where something that the manifest wants to know is missing: by its row, or the plugin
 * where the row names the facts only.
 */
#include "deliver/call/identify.h"
#include <stdlib.h>
#include "deliver/call/ask.h"
#include "deliver/engine_private.h"
#include "log/log.h"

#define AGAIN_AFTER_MS (10 * CS_MINUTE_MS)

struct identify {
	struct cs_ask ask;
	struct cs_context *context; /* that waits for it; referenced */
};

static bool
something_is_missing(const struct cs_context *c)
{
	const struct cs_identify_row *row = &c->manifest->identify;

	for (size_t i = 0; i < row->n_facts; i++)
		if (cs_context_fact(c, row->facts[i].name)[0] == '\0')
			return true;
	return false;
}

static void
done(struct cs_ask *a)
{
	struct identify *i = CS_CONTAINER(a, struct identify, ask);
	struct cs_context *c = i->context;

	if (a->said == CS_SAID_YES)
		cs_log(CS_LOG_INFO, "deliver", "connection identified", "connection=%s crm=%s", c->public_id, c->crm);
	else
		cs_log(CS_LOG_INFO, "deliver", "connection could not be identified yet", "connection=%s crm=%s said=%s", c->public_id, c->crm,
		       cs_said_name(a->said));
	c->identifying = false;
	cs_context_unref(c);
	free(i);
}

void
cs_identify_if_needed(struct cs_engine *e, struct cs_context *c, int64_t now_ms)
{
	struct identify *i;

	if (c->identifying || now_ms < c->identify_after_ms || !something_is_missing(c))
		return;
	c->identify_after_ms = now_ms + AGAIN_AFTER_MS;
	c->identifying = true;
	i = cs_xcalloc(1, sizeof(*i));
	i->context = cs_context_ref(c);
	i->ask.conn_id = c->conn_id;
	i->ask.done = done;
	cs_ask_start(e, &i->ask);
}
