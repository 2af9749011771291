/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.c - see connection.h.
 */
#include "config.h"
#include <string.h>
#include "ctl/connection.h"
#include "ctl/filter.h"
#include "ctl/patch.h"
#include "ctl/show/text.h"
#include "ctl/talk/link.h"

const char *
cs_ctl_connection_path(struct cs_ctl *c, const char *behind)
{
	return cs_arena_printf(&c->mem, "/v1/connections/%s%s", cs_ctl_encoded(c, c->args.pos[0]), behind);
}

static int
read_secret(const char *name, const char *word, json_object **out)
{
	const char *path = strcmp(word, "-") == 0 ? "/dev/stdin" : word[0] == '@' ? word + 1 : NULL;
	struct cs_err err = { 0 };
	char *text;

	if (path == NULL)
		return cs_ctl_fail(CS_CTL_USAGE, "a secret does not belong on a command line: secrets.%s=@FILE, or =- for standard input", name);
	if ((text = cs_ctl_read_secret(path, &err)) == NULL)
		return cs_ctl_fail_err(CS_CTL_USAGE, &err);
	*out = json_object_new_string(text);
	cs_wipe_free(text, 0);
	return CS_CTL_OK;
}

/* null forgets a secret; everything else says where it stands. */
static int
read_secrets(json_object *body)
{
	json_object *given = cs_json_get(body, "secrets"), *read = NULL;
	int rc = CS_CTL_OK;

	if (!json_object_is_type(given, json_type_object))
		return CS_CTL_OK;
	read = json_object_new_object();
	json_object_object_foreach(given, name, v) {
		json_object *secret = NULL;

		if (v != NULL && (rc = read_secret(name, json_object_get_string(v), &secret)) != CS_CTL_OK)
			break;
		json_object_object_add(read, name, secret);
	}
	json_object_object_add(body, "secrets", read);
	return rc;
}

int
cs_ctl_connection_body(struct cs_ctl *c, int from, json_object **out)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	struct cs_err err = { 0 };
	int rc;

	if (cs_ctl_patch_read(c->args.pos + from, c->args.n_pos - from, &body, &err) < 0)
		return cs_ctl_fail_err(CS_CTL_USAGE, &err);
	if ((rc = read_secrets(body)) != CS_CTL_OK)
		return rc;
	*out = CS_STEAL(body);
	return CS_CTL_OK;
}

void
cs_ctl_connection_print(struct cs_ctl *c, json_object *conn)
{
	const char *state = cs_ctl_json_text(&c->mem, conn, "state"), *why = cs_ctl_json_text(&c->mem, conn, "state_reason");

	if (c->json) {
		cs_ctl_print_json(conn);
		return;
	}
	printf("%s is %s%s%s%s%s\n", cs_ctl_json_text(&c->mem, conn, "id"), cs_ctl_paint(c, cs_ctl_paint_of_state(state)), cs_ctl_state_words(state),
	       cs_ctl_unpaint(c, cs_ctl_paint_of_state(state)), why[0] != '\0' ? ": " : "", why);
}
