/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - what the fake CRMs hold: per CRM tenants, per tenant one table for each collection.
 *
 * All in memory. The first `keep_docs` documents are kept whole; of later ones the id and counters alone, and
 * beyond 2 million records only the counters (so that a benchmark cannot eat the machine). Records are looked
 * up through a table of (tenant, collection, indexed pointer, value); entries are never taken out when a value
 * changes, so that a lagging search still finds the old one: whoever reads compares again.
 */
#ifndef CS_SANDBOX_STORE_H
#define CS_SANDBOX_STORE_H

#include "sandbox/rules/data.h"

#define CS_SB_MAX_RECORDS 2000000
#define CS_SB_MAX_TENANTS 100000
#define CS_SB_TENANT_NAME 64

struct cs_sb_record {
	char *id;
	json_object *doc;  /* as it is; NULL when only the id was kept */
	json_object *old;  /* what the search index still shows before fresh_ms; NULL: nothing */
	int64_t fresh_ms, created_ms, last_ms;
	uint64_t request, last_request; /* which request made it, and touched it last */
	uint32_t no; /* its place in the table: older records have smaller ones */
	uint32_t updates, repeats, mark;
	bool deleted, seed;
};

struct cs_sb_table {
	struct cs_sb_record **v;
	size_t n, cap;
	uint64_t created, updated, deleted, repeats; /* by requests, without seeds */
};

struct cs_sb_limit_state; /* limit.c */

struct cs_sb_tenant {
	char name[CS_SB_TENANT_NAME + 1];
	uint32_t no;
	bool revoked; /* its credentials are refused (POST /_tokens) */
	struct cs_sb_crm_state *crm;
	struct cs_sb_table *tables; /* one per collection */
	struct cs_sb_limit_state *limits;
};

struct cs_sb_index_entry;

/* The changing side of a cs_sb_crm. */
struct cs_sb_crm_state {
	const struct cs_sb_crm *crm;
	struct cs_sb_store *store;
	struct cs_map tenants; /* hash of the name -> tenant */
	struct cs_sb_tenant **by_no;
	size_t ntenants;
	struct cs_map index;
	uint64_t *next_id; /* one per collection, over all tenants */
	uint64_t requests, refused, faults;
	struct cs_sb_oauth *oauth; /* oauth.c */
};

struct cs_sb_store {
	size_t keep_docs, docs, records;
	int64_t lag_ms; /* -1: as the data files say */
	uint32_t mark;
};

void cs_sb_crm_state_init(struct cs_sb_crm_state *st, const struct cs_sb_crm *crm, struct cs_sb_store *store);
void cs_sb_crm_state_fini(struct cs_sb_crm_state *st);
/* Forget all records; collections begin again with their seeds. */
void cs_sb_crm_state_reset(struct cs_sb_crm_state *st);

/* The tenant of that name, made when new. NULL: the name is no name, or there are too many. */
struct cs_sb_tenant *cs_sb_tenant_get(struct cs_sb_crm_state *st, const char *name);
const char *cs_sb_tenant_name(const struct cs_sb_tenant *t);
/* Seven digits, another for each tenant of a CRM: what vendors call portal or account id. */
int64_t cs_sb_tenant_number(const struct cs_sb_tenant *t);

struct cs_sb_made {
	int64_t now_ms;
	uint64_t request;
};
/* A fresh id for the collection; the caller's. */
char *cs_sb_id_new(struct cs_sb_tenant *t, const struct cs_sb_collection *c);
/* Would a new document (or one in place of `except`) break a unique rule? The record in the way and *rule, or
 * NULL. */
struct cs_sb_record *cs_sb_conflict(struct cs_sb_tenant *t, const struct cs_sb_collection *c, json_object *doc,
                                    const struct cs_sb_record *except, json_object **rule);
/* Take `id` over and a reference to `doc`. NULL: counted only. */
struct cs_sb_record *cs_sb_record_add(struct cs_sb_tenant *t, const struct cs_sb_collection *c, char *id,
                                      json_object *doc, const struct cs_sb_made *made);
void cs_sb_record_update(struct cs_sb_tenant *t, const struct cs_sb_collection *c, struct cs_sb_record *r,
                         json_object *doc, const struct cs_sb_made *made);
void cs_sb_record_delete(struct cs_sb_tenant *t, const struct cs_sb_collection *c, struct cs_sb_record *r);
/* The same id came again and the collection counts that instead of refusing. */
void cs_sb_record_repeat(struct cs_sb_tenant *t, const struct cs_sb_collection *c, struct cs_sb_record *r,
                         const struct cs_sb_made *made);

struct cs_sb_record *cs_sb_record_by_id(const struct cs_sb_tenant *t, const struct cs_sb_collection *c,
					const char *id);
/* A new reference to the document; one with the id alone when no more was kept. */
json_object *cs_sb_record_doc(const struct cs_sb_collection *c, const struct cs_sb_record *r);
/* What a search at `now_ms` sees: NULL when the record is not in the index yet. Borrowed. */
json_object *cs_sb_record_seen(const struct cs_sb_record *r, bool lagging, int64_t now_ms);

/*
 * Records that had `value` at the indexed pointer, newest first: call with *at = NULL, until NULL comes. -1
 * from cs_sb_index_of when the pointer is not indexed.
 */
int cs_sb_index_of(const struct cs_sb_collection *c, const char *pointer);
struct cs_sb_record *cs_sb_index_next(const struct cs_sb_tenant *t, const struct cs_sb_collection *c, int index,
                                      const char *value, struct cs_sb_index_entry **at);
/* Is the text at a pointer of doc equal to `value`, as this collection compares? */
bool cs_sb_same(const struct cs_sb_collection *c, json_object *doc, const char *pointer, const char *value);

#endif
