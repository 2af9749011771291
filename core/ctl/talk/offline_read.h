/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offline_read.h - what the store alone can answer, by the views that answer in the admin API as well.
 */
#ifndef CS_CTL_TALK_OFFLINE_READ_H
#define CS_CTL_TALK_OFFLINE_READ_H

#include "ctl/talk/offline.h"
#include "view/view.h"

struct cs_ctl_offline {
	struct cs_view view; /* its store open, its answer filled */
	struct cs_ctl *ctl;
	const char *query;   /* encoded, without "?" */
	const char *id;      /* that stands in the path */
	int64_t now_ms;
};
/* A parameter of the query, decoded; NULL when it is not there. */
const char *cs_ctl_offline_param(const struct cs_ctl_offline *o, const char *name);

int cs_ctl_offline_leads(struct cs_ctl_offline *o, struct cs_err *err);
int cs_ctl_offline_story(struct cs_ctl_offline *o, struct cs_err *err);
int cs_ctl_offline_deliveries(struct cs_ctl_offline *o, struct cs_err *err);
int cs_ctl_offline_dead_letters(struct cs_ctl_offline *o, struct cs_err *err);
int cs_ctl_offline_dead_letter(struct cs_ctl_offline *o, struct cs_err *err);
int cs_ctl_offline_queue(struct cs_ctl_offline *o, struct cs_err *err);
int cs_ctl_offline_connections(struct cs_ctl_offline *o, struct cs_err *err);
int cs_ctl_offline_connection(struct cs_ctl_offline *o, struct cs_err *err);
int cs_ctl_offline_versions(struct cs_ctl_offline *o, struct cs_err *err);
int cs_ctl_offline_alerts(struct cs_ctl_offline *o, struct cs_err *err);
int cs_ctl_offline_secrets(struct cs_ctl_offline *o, struct cs_err *err);

#endif
