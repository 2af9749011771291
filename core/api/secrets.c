/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.c - master keys: how many stored secrets need each, and reading a changed key file. Never a secret.
 */
#include "config.h"
#include "api/resources.h"

#include "log/log.h"
#include "vault/census.h"

static void
reply(struct cs_api_call *call)
{
	struct cs_view v;
	struct cs_err err;

	cs_api_view(call, &v);
	cs_api_reply_view(call, &v, cs_view_secrets(&v, call->api->vault, &err), &err);
}

void
cs_api_secrets(struct cs_api_call *call)
{
	if (cs_api_all_accounts(call))
		reply(call);
}

void
cs_api_secrets_reload(struct cs_api_call *call)
{
	struct cs_err err;

	if (!cs_api_all_accounts(call))
		return;
	if (call->api->vault == NULL) {
		cs_api_refuse(call, 409, "the daemon runs without a master key: restart it to take one up");
		return;
	}
	if (cs_census_reload(call->api->reader, call->api->vault, &err) < 0) {
		cs_api_refuse(call, 409, "%s", err.msg);
		return;
	}
	cs_log(CS_LOG_INFO, "vault", "the key file was read again", "%s", "");
	reply(call);
}
