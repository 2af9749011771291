/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit.h - a lead with another identity, time or destination, for demonstrations and tries. Pure but for the
 * random id.
 */
#ifndef CS_CTL_EDIT_H
#define CS_CTL_EDIT_H

#include "ctl/ctl.h"

struct cs_ctl_edit {
	bool fresh;                       /* a new event_id; times moved so that the call ended now */
	const char *to, *account, *crm_account_id; /* NULL: as it is. `to` alone also clears crm_account_id */
	int64_t now_ms;
};
/* Does it change anything? */
bool cs_ctl_edit_any(const struct cs_ctl_edit *e);
/* 0 with the new text appended to out, or CS_EINVAL when `lead` is no JSON object. */
int cs_ctl_edit_lead(const struct cs_ctl_edit *e, const char *lead, size_t n, struct cs_buf *out,
		     struct cs_err *err);

#endif
