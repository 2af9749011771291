/* SPDX-License-Identifier: Apache-2.0 */
/* overrule.c - see overrule.h. */
#include "config.h"
#include "hooks/overrule.h"

#include <string.h>
#include "util/json.h"

static const char *
value_of(const struct cs_conf_crm *crm, const char *setting)
{
	return setting != NULL ? cs_json_str(crm->values.settings, setting, "") : "";
}

void
cs_hook_row(const struct cs_manifest *m, const struct cs_conf_crm *crm, struct cs_webhook_row *out)
{
	const char *v;
	int encoding;

	*out = m->webhook;
	if (crm == NULL)
		return;
	if ((v = value_of(crm, out->verify.header_from))[0] != '\0')
		out->verify.header = v;
	if ((encoding = cs_manifest_encoding(value_of(crm, out->verify.encoding_from))) >= 0)
		out->verify.encoding = encoding;
	if ((v = value_of(crm, out->tenant_from))[0] == '/')
		out->tenant = v;
}
