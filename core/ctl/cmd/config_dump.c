/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_dump.c - csrelay config dump: what is in force, and where it was written.
 */
#include "config.h"
#include "conf/dump.h"
#include "conf/load.h"
#include "ctl/commands.h"
#include "ctl/talk/place.h"

static int
run(struct cs_ctl *c)
{
	const char *path = c->args.n_pos > 0 ? c->args.pos[0] : cs_ctl_conf_path(c);
	struct cs_conf_errors errs = { 0 };
	struct cs_conf *conf = NULL;
	int rc = cs_conf_load(path, &conf, &errs);

	if (rc < 0) {
		cs_conf_errors_print(&errs, stderr);
	} else if (c->json) {
		json_object *all = cs_conf_dump_json(conf);

		cs_ctl_print_json(all);
		json_object_put(all);
	} else
		cs_conf_dump(conf, stdout);
	cs_conf_errors_fini(&errs);
	cs_conf_unref(conf);
	return rc < 0 ? CS_CTL_FAILED : CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_config_dump = {
	.name = "config dump",
	.args = "[FILE]",
	.help = "print every option with its value and where that was written",
	.more = "Secrets are only said to be set. What comes out can be used as csrelay.conf again.",
	.max = 1,
	.run = run,
};
