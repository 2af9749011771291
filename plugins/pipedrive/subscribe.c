/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscribe.c - the webhooks that report leads and deals to our address.
 *
 * There is no signature. Each webhook carries a user and a password that Pipedrive sends along; the password is made by the core,
 * and nobody sees it. Registering anew takes a new password, so what is registered for our address already goes first. Pipedrive
 * deletes a webhook after three days without success: looking after it adds what is missing, with the password as it is.
 */
#include <string.h>
#include "pipedrive.h"

#define PASSWORD_BYTES 32

static const struct {
	const char *action, *object;
} wanted[] = { { "create", "deal" }, { "change", "deal" }, { "change", "lead" }, { "delete", "lead" } };
#define N_WANTED (sizeof(wanted) / sizeof(wanted[0]))

static int32_t
list(const struct csh *h, json_object **answer)
{
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc = pipedrive_read(h, "subscribe", NULL, V1 "/webhooks", NULL, &res, answer);

	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return pipedrive_refused(h, &res, "the webhooks could not be listed");
	return csh_need_list(h, *answer, "/data");
}

static int
is_ours(json_object *row, const char *address)
{
	return strcmp(csh_get(row, "/subscription_url"), address) == 0 && *csh_get(row, "/id");
}

static int
has(json_object *rows, const char *address, size_t i)
{
	json_object *row;

	csh_each(k, row, rows)
		if (is_ours(row, address) && strcmp(csh_get(row, "/event_action"), wanted[i].action) == 0 &&
		    strcmp(csh_get(row, "/event_object"), wanted[i].object) == 0 && strcmp(csh_get_or(row, "/is_active", "1"), "0") != 0)
			return 1;
	return 0;
}

static int32_t
remove_ours(const struct csh *h, json_object *rows, const char *address)
{
	struct cs_http_res res = CS_RES_INIT;
	json_object *row;
	int32_t rc;

	csh_each(i, row, rows) {
		CSH_JSON answer = NULL;

		if (!is_ours(row, address))
			continue;
		rc = pipedrive_write(h, "subscribe", "DELETE", csh_printf(h, V1 "/webhooks/%s", csh_url(h, csh_get(row, "/id"))), NULL, &res,
		    &answer);
		if (rc != CS_DONE)
			return rc;
		if (res.status == 404)
			h->host->warn(h->call, "a webhook was gone already");
		else if (res.status >= 300)
			return pipedrive_refused(h, &res, "a webhook could not be removed");
	}
	return CS_DONE;
}

static int32_t
add(const struct csh *h, const char *address, size_t i)
{
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	struct cs_bytes password = h->host->secret_ref(h->call, "hook_password", CS_ENC_JSON);
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	csh_put(body, "subscription_url", address);
	csh_put(body, "event_action", wanted[i].action);
	csh_put(body, "event_object", wanted[i].object);
	csh_put(body, "name", csh_printf(h, "CallSetter %s.%s", wanted[i].action, wanted[i].object));
	csh_put(body, "version", "2.0");
	csh_put(body, "http_auth_user", "csrelay");
	csh_put(body, "http_auth_password", csh_strndup(h, password.ptr, password.len));
	if ((rc = pipedrive_write(h, "subscribe", "POST", V1 "/webhooks", body, &res, &answer)) != CS_DONE)
		return rc;
	return res.status < 300 ? CS_DONE : pipedrive_refused(h, &res, "a webhook could not be registered");
}

int32_t
pipedrive_subscribe(const struct csh *h, int32_t kind, const char *address)
{
	CSH_JSON answer = NULL;
	json_object *rows;
	int32_t rc;

	if (kind == CS_HOOK_SUBSCRIBE && h->host->secret_new(h->call, "hook_password", PASSWORD_BYTES) != CS_DONE)
		return h->host->fail(h->call, CS_RETRY, "no password could be made for the webhooks");
	if ((rc = list(h, &answer)) != CS_DONE)
		return rc;
	rows = csh_at(answer, "/data");
	if (kind != CS_HOOK_RENEW && (rc = remove_ours(h, rows, address)) != CS_DONE)
		return rc;
	for (size_t i = 0; kind != CS_HOOK_UNSUBSCRIBE && i < N_WANTED; i++)
		if ((kind == CS_HOOK_SUBSCRIBE || !has(rows, address, i)) && (rc = add(h, address, i)) != CS_DONE)
			return rc;
	return CS_DONE;
}
