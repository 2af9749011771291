/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crm.h - the files in crm.d: one CRM each, with its settings, secrets and static connections.
 */
#ifndef CS_CONF_CRM_H
#define CS_CONF_CRM_H

#include "conf/conf.h"

/* Read folder/NAME.conf for every NAME, sorted, into conf->crms; a missing folder is none. Faults are added to errs. */
void cs_conf_read_crms(struct cs_conf *conf, const char *folder, struct cs_conf_errors *errs);

#endif
