/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets_rotate.c - csrelay secrets rotate: a new master key.
 *
 * The file is ours to change; the daemon only ever reads it. So this works without a daemon, too, which then finds the new
 * key when it starts.
 */
#include "config.h"
#include <string.h>
#include "ctl/commands.h"
#include "ctl/talk/link.h"
#include "ctl/talk/place.h"
#include "vault/vault.h"

/* Have the daemon read the file. CS_CTL_OK also where there is none; *out stays NULL then. */
static int
reload(struct cs_ctl *c, const char *id, json_object **out)
{
	const struct cs_ctl_request r = { .method = "POST", .path = "/v1/secrets/reload" };
	struct cs_ctl_answer a;
	int rc = cs_ctl_ask(c, &r, &a);

	if (rc != CS_CTL_OK)
		return rc;
	if (a.status == 0 && a.err.code == CS_ECLOSED)
		cs_ctl_fail(0, "%s", a.err.msg);
	else if (a.status != 200)
		rc = cs_ctl_told(&a);
	else if (strcmp(cs_json_str(a.json, "current", ""), id) != 0 && strstr(cs_json_str(a.json, "key_file", ""), "/credentials/") != NULL)
		cs_ctl_fail(0, "systemd gave the daemon a copy of the file when it started: restart it (systemctl restart csrelayd)");
	else if (strcmp(cs_json_str(a.json, "current", ""), id) != 0)
		rc = cs_ctl_fail(CS_CTL_REFUSED, "the daemon reads another key file: %s",
		                 cs_arena_strdup(&c->mem, cs_json_str(a.json, "key_file", "")));
	else
		*out = CS_STEAL(a.json);
	cs_ctl_answer_fini(&a);
	return rc;
}

static void
print(struct cs_ctl *c, const char *id, const char *path, json_object *answer)
{
	json_object *o;

	if (!c->json) {
		printf("%s is the first key of %s\n", id, path);
		puts(answer != NULL ? "the daemon seals with it, and seals older secrets anew by and by"
		                    : "a daemon seals with it once it starts, and seals older secrets anew by and by");
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "key", json_object_new_string(id));
	json_object_object_add(o, "key_file", json_object_new_string(path));
	json_object_object_add(o, "daemon", json_object_new_boolean(answer != NULL));
	json_object_object_add(o, "keys", json_object_get(cs_json_get(answer, "keys")));
	cs_ctl_print_json(o);
	json_object_put(o);
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	char id[CS_VAULT_ID_MAX + 1];
	const char *path;
	struct cs_err err;
	int rc;

	if (cs_ctl_key_file(c, &path, &err) < 0)
		return cs_ctl_fail_err(CS_CTL_TROUBLE, &err);
	if ((rc = cs_vault_rotate(path, id, &err)) < 0)
		return cs_ctl_fail_err(rc == CS_EIO ? CS_CTL_TROUBLE : CS_CTL_REFUSED, &err);
	if ((rc = reload(c, id, &answer)) != CS_CTL_OK)
		return cs_ctl_fail(rc, "key %s is in %s all the same; the daemon goes on with the keys it had", id, path);
	print(c, id, path, answer);
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_secrets_rotate = {
	.name = "secrets rotate",
	.args = "",
	.help = "put a new master key in front of the others in vault.key_file, and have the daemon use it",
	.more = "Old keys stay in the file and open what they have sealed, which is sealed anew in small steps. Works without a daemon, "
		"and makes the first key where there is none. Has to run as the owner of the file or root. Where systemd "
		"hands the key over as a credential, the daemon takes the new one up when it is restarted.",
	.run = run,
};
