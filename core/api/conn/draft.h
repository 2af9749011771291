/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft.h - what a client wants a connection to be: read from a body, every fault with its pointer.
 *
 * The same table reads what makes a connection and what changes one. Settings are merged by key: a value replaces the old one as a
 * whole, null takes it away. Overrides are a merge patch of their own, in which null has a meaning, so they are replaced as a whole.
 */
#ifndef CS_API_CONN_DRAFT_H
#define CS_API_CONN_DRAFT_H

#include "api/change.h"
#include "plugin/manifest/manifest.h"

#define CS_DRAFT_FAULTS 40

struct cs_conn_draft {
	struct cs_arena *mem;            /* texts live here */
	/* NULL: the body says nothing about it */
	const char *account, *crm, *crm_account_id, *label, *timezone, *contacts, *overrides;
	uint32_t subscribe;              /* 0: nothing said */
	json_object *settings, *secrets; /* borrowed from the body */
	struct cs_problem_row faults[CS_DRAFT_FAULTS];
	size_t n_faults;
};

/* `makes`: the body of a new connection, else of a change. False: there are faults. */
bool cs_conn_draft_read(struct cs_conn_draft *d, json_object *body, bool makes, struct cs_arena *mem);
/* One more fault; the pointer is copied. */
void cs_conn_draft_fault(struct cs_conn_draft *d, const char *pointer, const char *fmt, ...) CS_PRINTF_LIKE(3, 4);
/* The settings of a connection that has `own` (JSON text, "" none), after this draft. The caller's. */
json_object *cs_conn_draft_settings(const struct cs_conn_draft *d, const char *own);
/* Settings and secrets against the manifest; adds faults. `shared`: the operator's for this CRM, NULL. */
void cs_conn_draft_check(struct cs_conn_draft *d, const struct cs_manifest *m, const struct cs_conf_crm *shared, json_object *settings,
                         bool makes);
/* A key or link of single accounts may not say where requests go that carry secrets of the whole app; adds faults. */
void cs_conn_draft_keep_addresses(struct cs_conn_draft *d, const struct cs_manifest *m, const struct cs_auth *who);
/* Answers 422 with all faults. */
void cs_conn_draft_refuse(struct cs_http_request *req, const struct cs_conn_draft *d);

#endif
