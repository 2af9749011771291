/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadletter.c - see deadletter.h.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include "ctl/deadletter.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"
#include "ctl/show/text.h"

json_object *
cs_ctl_note(const struct cs_ctl *c)
{
	json_object *body = json_object_new_object();

	if (cs_ctl_has(c, "note"))
		json_object_object_add(body, "note", json_object_new_string(cs_ctl_opt(c, "note")));
	return body;
}

static void
say(struct cs_ctl *c, const json_object *d)
{
	const char *state = cs_json_str(d, "state", "");

	printf("delivery %" PRId64 " to %s: %s\n", cs_json_int(d, "id", 0),
	       cs_ctl_json_text(&c->mem, d, "crm"),
	       strcmp(state, "discarded") == 0 ? cs_ctl_json_text(&c->mem, d, "reason")
					       : cs_ctl_state_words(state));
	if (strcmp(state, "dead") == 0)
		printf("still, because %s\n", cs_ctl_json_text(&c->mem, d, "reason"));
	if (strcmp(state, "due") == 0)
		printf("follow it with: csrelay explain %" PRId64 " --follow\n", cs_json_int(d, "lead_id", 0));
}

int
cs_ctl_dead_letter(struct cs_ctl *c, const char *verb, json_object *body)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	const char *path =
	    cs_arena_printf(&c->mem, "/v1/dead-letters/%s/%s", cs_ctl_encoded(c, c->args.pos[0]), verb);
	int rc = cs_ctl_change(c, "POST", path, body, &answer);

	json_object_put(body);
	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else
		say(c, answer);
	return CS_CTL_OK;
}
