/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who.c - who is connected: the account's number, and a name that people read.
 *
 * HubSpot tells no account's name. Of somebody who signed in it tells the domain of the account, when it is asked about the token;
 * the token of a private app it does not know there. Then, and whenever that question fails, the number is the name.
 */
#include <string.h>
#include "hubspot.h"

/* name=value of a form, the value a secret. */
static void
add_secret(struct csh_str *form, const char *name, const char *secret)
{
	struct cs_bytes marker = form->h->host->secret_ref(form->h->call, secret, CS_ENC_FORM);

	csh_adds(form, form->len ? "&" : "");
	csh_adds(form, name);
	csh_adds(form, "=");
	csh_add(form, marker.ptr, marker.len);
}

/* "" when it cannot be told. */
static const char *
domain(const struct csh *h)
{
	struct cs_http_req req = CS_REQ("find", "POST", csh_printf(h, "/oauth/%s/token/introspect", csh_setting(h, "api_version")));
	struct csh_str form = CSH_STR(h);
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;

	if (!*csh_setting(h, "client_id"))
		return "";
	csh_form_add(&form, "client_id", csh_setting(h, "client_id"));
	add_secret(&form, "client_secret", "client_secret");
	add_secret(&form, "token", "access_token");
	csh_form_add(&form, "token_type_hint", "access_token");
	req.content_type = "application/x-www-form-urlencoded";
	req.body = csh_bytes(csh_text(&form));
	if (csh_send(h, &req, &res, &answer) != CS_DONE || res.status >= 300 || strcmp(csh_get(answer, "/active"), "true") != 0)
		return "";
	return csh_printf(h, "%s", csh_get(answer, "/hub_domain"));
}

int32_t
hubspot_identify(const struct csh *h)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON account = NULL;
	CSH_JSON out = json_object_new_object();
	const char *id, *name;
	int32_t rc = hubspot_read(h, "find", NULL, csh_printf(h, "/account-info/%s/details", csh_setting(h, "api_version")), NULL, &res, &account);

	if (rc != CS_DONE)
		return rc;
	if (res.status == 403)
		return h->host->fail(h->call, CS_REJECT, "the token lacks a scope: give the app crm.objects.contacts.read and crm.objects.contacts.write");
	if (res.status >= 300)
		return hubspot_refused(h, &res, "the account could not be read");
	if ((rc = csh_need(h, account, "/portalId")) != CS_DONE)
		return rc;
	id = csh_get(account, "/portalId");
	name = domain(h);
	csh_put(out, "id", id);
	csh_put(out, "name", *name ? csh_printf(h, "%s (%s)", name, id) : id);
	csh_put(out, "hub_id", id);
	csh_put(out, "ui_domain", csh_get(account, "/uiDomain"));
	csh_put(out, "timezone", csh_get(account, "/timeZone"));
	csh_put(out, "currency", csh_get(account, "/companyCurrency"));
	return csh_emit(h, out);
}
