/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fix.c - csrelay dlq fix: mend the lead and let it go.
 */
#include "config.h"
#include <string.h>
#include "ctl/commands.h"
#include "ctl/deadletter.h"
#include "ctl/patch.h"

#define PATCH_MAX ((size_t)256 << 10)

static int
run(struct cs_ctl *c)
{
	const char *file = cs_ctl_opt(c, "file");
	json_object *patch = NULL;
	struct cs_err err = { 0 };
	int rc;

	if ((file != NULL) == (c->args.n_pos > 1))
		return cs_ctl_usage(c->cmd, "dlq fix needs either fields or --file");
	if (file != NULL)
		rc = cs_json_read_file(strcmp(file, "-") == 0 ? "/dev/stdin" : file, PATCH_MAX, &patch, &err);
	else
		rc = cs_ctl_patch_read(c->args.pos + 1, c->args.n_pos - 1, &patch, &err);
	if (rc < 0)
		return cs_ctl_fail_err(CS_CTL_USAGE, &err);
	return cs_ctl_dead_letter(c, "fix", patch);
}

static const struct cs_ctl_opt opts[] = {
	{ "file", "FILE", "a JSON merge patch (RFC 7396), instead of fields; - is standard input" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_dlq_fix = {
	.name = "dlq fix",
	.args = "DELIVERY [FIELD=TEXT | FIELD:=JSON]...",
	.help = "mend the lead of a dead letter and send it",
	.more = "For example: csrelay dlq fix 4352 contact.phone=+13055550182 call.duration_seconds:=142 "
		"contact.email:=null. The lead is read again by all rules; what is still wrong is named, and "
		"then nothing is changed.",
	.min = 1,
	.max = -1,
	.opts = opts,
	.run = run,
};
