/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_check.c - csrelay store check: is the store sound? Beside a running daemon or without one.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/talk/offline.h"
#include "ctl/show/text.h"

struct findings {
	struct cs_ctl *c;
	json_object *list;
};

static void
on_finding(void *ctx, const char *finding)
{
	struct findings *f = ctx;

	if (!f->c->json)
		printf("%s\n", cs_ctl_clean(&f->c->mem, finding));
	json_object_array_add(f->list, json_object_new_string(finding));
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *all = json_object_new_object();
	struct findings f = { c, json_object_new_array() };
	struct cs_err err = { 0 };
	struct cs_store *s = NULL;
	size_t n;
	int rc;

	json_object_object_add(all, "findings", f.list);
	if ((rc = cs_ctl_store_open(c, &s, &err)) == 0)
		rc = s->ops->check(s, on_finding, &f, &err);
	cs_store_close(s);
	if (rc < 0)
		return cs_ctl_fail_err(CS_CTL_TROUBLE, &err);
	n = json_object_array_length(f.list);
	if (c->json)
		cs_ctl_print_json(all);
	else if (n == 0)
		puts("the store is sound");
	return n == 0 ? CS_CTL_OK : CS_CTL_FAILED;
}

const struct cs_ctl_command cs_ctl_cmd_store_check = {
	.name = "store check",
	.args = "",
	.help = "check the store: its pages, references, states and indexes",
	.more = "Reads every page, which takes a while for a large store. The daemon may run meanwhile.",
	.offline = true,
	.run = run,
};
