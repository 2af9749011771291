/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup.h - does the configuration fit the plugins? What crm.d files say, held against the manifests.
 *
 * csrelay.conf(5)'s reader knows no CRM; this finds each enabled CRM's manifest in plugins.dir and names settings and secrets
 * that it does not have, values it does not allow, and required secrets that are missing, each with file and line. Used by
 * `csrelayd --check` and `csrelay config check`, and at start, where a faulty connection is held and the rest goes on.
 */
#ifndef CS_PLUGIN_SETUP_H
#define CS_PLUGIN_SETUP_H

#include "conf/conf.h"
#include "plugin/manifest/manifest.h"

/* Adds every fault to errs; returns how many. */
size_t cs_setup_check(const struct cs_conf *conf, struct cs_conf_errors *errs);

#endif
