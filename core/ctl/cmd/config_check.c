/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_check.c - csrelay config check: every fault of the files at once, without a daemon.
 */
#include "config.h"
#include "conf/load.h"
#include "ctl/commands.h"
#include "ctl/talk/place.h"
#include "plugin/manifest/setup.h"

static void
print_faults(const struct cs_conf_errors *errs)
{
	CS_CLEANUP(cs_json_putp) json_object *all = json_object_new_object();
	json_object *rows = json_object_new_array();

	for (size_t i = 0; i < errs->n; i++) {
		const struct cs_conf_error *e = &errs->v[i];
		json_object *row = json_object_new_object();

		json_object_object_add(row, "file", json_object_new_string(e->file));
		json_object_object_add(row, "line", json_object_new_int(e->line));
		json_object_object_add(row, "option",
				       e->option != NULL ? json_object_new_string(e->option) : NULL);
		json_object_object_add(row, "detail", json_object_new_string(e->msg));
		json_object_object_add(row, "allowed",
				       e->allowed != NULL ? json_object_new_string(e->allowed) : NULL);
		json_object_array_add(rows, row);
	}
	json_object_object_add(all, "faults", rows);
	cs_ctl_print_json(all);
}

static int
run(struct cs_ctl *c)
{
	const char *path = c->args.n_pos > 0 ? c->args.pos[0] : cs_ctl_conf_path(c);
	struct cs_conf_errors errs = { 0 };
	struct cs_conf *conf = NULL;
	int rc = cs_conf_load(path, &conf, &errs);

	if (rc == 0 && cs_setup_check(conf, &errs) > 0)
		rc = CS_EINVAL;
	if (c->json)
		print_faults(&errs);
	else if (rc < 0) {
		fflush(stdout);
		cs_conf_errors_print(&errs, stderr);
		fprintf(stderr, "%zu fault%s; a daemon that runs goes on with what it had\n", errs.n,
			errs.n == 1 ? "" : "s");
	} else
		printf("%s: no faults, %zu CRM file%s\n", path, conf->n_crms, conf->n_crms == 1 ? "" : "s");
	cs_conf_errors_fini(&errs);
	cs_conf_unref(conf);
	return rc < 0 ? CS_CTL_FAILED : CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_config_check = {
	.name = "config check",
	.args = "[FILE]",
	.help = "read the configuration and name every fault",
	.more = "Exits with 1 when there is one. Nothing is changed, and the daemon is not asked.",
	.max = 1,
	.run = run,
};
