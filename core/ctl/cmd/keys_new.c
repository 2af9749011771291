/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys_new.c - csrelay keys new: a key, shown once.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include "ctl/commands.h"
#include "ctl/talk/link.h"
#include "ctl/show/text.h"
#include "util/clock.h"

/* "intake,read" as an array. */
static json_object *
array_of(const char *words)
{
	json_object *array = json_object_new_array();

	while (*words != '\0') {
		size_t n = strcspn(words, ", ");

		if (n > 0)
			json_object_array_add(array, json_object_new_string_len(words, (int)n));
		words += n + (words[n] != '\0');
	}
	return array;
}

static int
body_of(struct cs_ctl *c, json_object *body)
{
	const char *expires = cs_ctl_opt(c, "expires"), *accounts = cs_ctl_opt(c, "accounts");
	char text[CS_TIME_TEXT];
	int64_t ms;

	json_object_object_add(body, "name", json_object_new_string(c->args.pos[0]));
	json_object_object_add(body, "scopes", array_of(cs_ctl_opt(c, "scopes")));
	if (accounts != NULL)
		json_object_object_add(body, "accounts", array_of(accounts));
	if (expires == NULL)
		return CS_CTL_OK;
	if (cs_ctl_read_time(expires, c->now_ms, 1, &ms) < 0)
		return cs_ctl_usage(c->cmd,
				    "--expires takes a day like 2027-01-31, or how long from now, like 90d");
	json_object_object_add(body, "expires_at", json_object_new_string(cs_time_format(ms, text)));
	return CS_CTL_OK;
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *body = json_object_new_object();
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	int rc;

	if (!cs_ctl_has(c, "scopes"))
		return cs_ctl_usage(c->cmd, "keys new needs --scopes: one or more of intake,read,admin, or bridge");
	if ((rc = body_of(c, body)) != CS_CTL_OK ||
	    (rc = cs_ctl_change(c, "POST", "/v1/keys", body, &answer)) != CS_CTL_OK)
		return rc;
	if (c->json) {
		cs_ctl_print_json(answer);
		return CS_CTL_OK;
	}
	fprintf(stderr, "key %" PRId64 "; it is shown this once and kept nowhere:\n",
		cs_json_int(answer, "id", 0));
	puts(cs_ctl_json_text(&c->mem, answer, "key"));
	return CS_CTL_OK;
}

static const struct cs_ctl_opt opts[] = {
	{ "scopes", "LIST", "what it may: intake (send leads), read, admin, with commas between; or bridge (Zapier, Make, n8n; with one account)" },
	{ "accounts", "LIST", "only for these CallSetter accounts" },
	{ "expires", "TIME", "until when: 2027-01-31, or 90d from now" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_keys_new = {
	.name = "keys new",
	.args = "NAME",
	.help = "make an API key and print it, once",
	.more = "The key alone goes to standard output: csrelay keys new callsetter --scopes intake > key.",
	.min = 1,
	.max = 1,
	.opts = opts,
	.run = run,
};
