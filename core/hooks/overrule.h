/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overrule.h - the manifest's webhook row, as the operator's settings have it.
 *
 * Some vendors do not publish how they sign, so the manifest holds a guess and names settings that overrule it (header_from,
 * encoding_from, tenant_from). One address serves all connections, so only settings of the whole CRM count.
 */
#ifndef CS_HOOKS_OVERRULE_H
#define CS_HOOKS_OVERRULE_H

#include "conf/conf.h"
#include "plugin/manifest/manifest.h"

/* *out borrows from both. crm NULL: it has no file. A value that cannot be is passed over. Any thread. */
void cs_hook_row(const struct cs_manifest *m, const struct cs_conf_crm *crm, struct cs_webhook_row *out);

#endif
