/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - csrelay map: what exactly would be sent.
 */
#include "config.h"
#include <string.h>
#include "ctl/commands.h"
#include "ctl/filter.h"
#include "ctl/patch.h"
#include "ctl/talk/link.h"
#include "ctl/show/text.h"
#include "util/text.h"

#define LEAD_MAX ((size_t)1 << 20)

static bool
is_lead_id(const char *s)
{
	uint8_t uuid[16];

	return (s[0] != '\0' && strspn(s, "0123456789") == strlen(s)) || cs_uuid_parse(s, strlen(s), uuid) == 0;
}

static int
body_of(struct cs_ctl *c, json_object **body)
{
	const char *arg = c->args.pos[1];
	struct cs_err err = { 0 };

	if (is_lead_id(arg)) {
		*body = json_object_new_object();
		json_object_object_add(*body, "lead_id", json_object_new_string(arg));
		return CS_CTL_OK;
	}
	if (cs_json_read_file(strcmp(arg, "-") == 0 ? "/dev/stdin" : arg, LEAD_MAX, body, &err) < 0)
		return cs_ctl_fail_err(CS_CTL_USAGE, &err);
	return CS_CTL_OK;
}

/* settings.KEY and overrides.KEY: what would be sent with these. */
static int
try_fields(struct cs_ctl *c, json_object **body)
{
	CS_CLEANUP(cs_json_putp) json_object *tried = NULL;
	struct cs_err err = { 0 };

	if (c->args.n_pos == 2)
		return CS_CTL_OK;
	if (cs_ctl_patch_read(c->args.pos + 2, c->args.n_pos - 2, &tried, &err) < 0)
		return cs_ctl_fail_err(CS_CTL_USAGE, &err);
	if (cs_json_get(*body, "lead_id") != NULL)
		json_object_object_add(tried, "lead_id", json_object_get(cs_json_get(*body, "lead_id")));
	else
		json_object_object_add(tried, "lead", json_object_get(*body));
	json_object_put(*body);
	*body = CS_STEAL(tried);
	return CS_CTL_OK;
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	const char *path =
	    cs_arena_printf(&c->mem, "/v1/connections/%s/map", cs_ctl_encoded(c, c->args.pos[0]));
	int rc;

	if ((rc = body_of(c, &body)) != CS_CTL_OK || (rc = try_fields(c, &body)) != CS_CTL_OK ||
	    (rc = cs_ctl_change(c, "POST", path, body, &answer)) != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else
		cs_ctl_print_pretty(c, cs_json_get(answer, "document"));
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_map = {
	.name = "map",
	.args = "CONNECTION LEAD|FILE [settings.KEY=TEXT | overrides.KEY:=JSON]...",
	.help = "show what would be sent for a lead, and send nothing",
	.more = "LEAD is the number or event_id of one that is stored; FILE holds one, - is standard input. With "
		"settings and overrides behind it: what would be sent if the connection had these.",
	.min = 2,
	.max = -1,
	.run = run,
};
