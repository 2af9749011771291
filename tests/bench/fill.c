/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill.c - leads that wait, straight through the store's operations: fill STORE LEAD CRM N CONNECTIONS FIRST
 *
 * Makes CONNECTIONS paused connections, each of an account of its own, and N leads with one due delivery each, spread over them as
 * they would have come (one of each in turn). The daemon must not be running.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"
#include "lead/lead.h"
#include "store/store.h"
#include "util/clock.h"

#define PER_TX 1000

static struct cs_store *store;
static const struct cs_store_ops *ops;
static struct cs_err err;

static void
must(int rc, const char *what)
{
	if (rc < 0)
		bench_die("%s: %s", what, err.msg);
}

static int64_t *
make_connections(unsigned n, const char *crm)
{
	int64_t *ids = calloc(n, sizeof(*ids)), now_ms = cs_now_ms(&cs_clock_real);
	char account[16];

	must(ids != NULL ? ops->begin(store, &err) : -1, "begin");
	for (unsigned i = 0; i < n; i++) {
		struct cs_conn_row c = { .name = "", .account = account, .crm = crm, .crm_account_id = "", .label = "waits",
			.state = CS_CONN_PAUSED, .state_reason = "bench", .state_since_ms = now_ms, .subscribe = CS_SUB_ROUTED,
			.settings = "{\"sign\":false}", .overrides = "", .facts = "", .timezone = "America/New_York" };

		snprintf(account, sizeof(account), "wait_%06u", i);
		must(ops->conn_put(store, &c, &err), "a connection");
		ids[i] = c.id;
	}
	must(ops->commit(store, &err), "commit");
	return ids;
}

static void
insert(struct bench_lead *l, uint64_t number, unsigned account, int64_t conn_id, const char *crm)
{
	int64_t now_ms = cs_now_ms(&cs_clock_real);
	char name[16];
	struct cs_lead_row lead = { .account = name, .event = "lead.qualified", .kind = CS_KIND_LEAD, .urgency = CS_URGENCY_SAME_DAY,
		.received_ms = now_ms, .body = { l->text, l->len }, .warnings = "" };
	struct cs_delivery_row d = { .conn_id = conn_id, .crm = crm, .account = name, .crm_account_id = "", .state = CS_DUE,
		.lane = CS_LANE_SAME_DAY, .urgency = CS_URGENCY_SAME_DAY, .due_ms = now_ms, .expires_ms = now_ms + 8 * CS_HOUR_MS,
		.reason = "", .records = "", .warnings = "", .created_ms = now_ms, .phone_key = number * 2 + 1, .email_key = number * 2 + 2 };
	uint64_t spread = number * 0x9e3779b97f4a7c15u;

	bench_lead_number(l, number, account);
	snprintf(name, sizeof(name), "wait_%06u", account);
	memcpy(lead.event_id, &spread, sizeof(spread)); /* as spread over the index as random ones */
	memcpy(lead.event_id + 8, &number, sizeof(number));
	memcpy(lead.hash, &spread, sizeof(spread));
	must(ops->lead_insert(store, &lead, &err), "a lead");
	d.lead_id = lead.id;
	must(ops->delivery_insert(store, &d, &err), "a delivery");
}

int
main(int argc, char **argv)
{
	struct cs_store_conf conf = { .min_free = 1 << 20 };
	struct bench_lead lead;
	uint64_t n, first;
	unsigned n_conns;
	int64_t *conns;

	if (argc != 7)
		bench_die("usage: fill STORE LEAD CRM N CONNECTIONS FIRST");
	conf.path = argv[1];
	bench_lead_init(&lead, argv[2], argv[3], "wait");
	n = bench_number(argv[4], "N");
	n_conns = (unsigned)bench_number(argv[5], "CONNECTIONS");
	first = bench_number(argv[6], "FIRST");
	must(cs_store_open_sqlite(&conf, &store, &err), "the store");
	ops = store->ops;
	conns = make_connections(n_conns, argv[3]);
	for (uint64_t i = 0; i < n; i++) {
		if (i % PER_TX == 0)
			must(ops->begin(store, &err), "begin");
		insert(&lead, first + i, (unsigned)(i % n_conns), conns[i % n_conns], argv[3]);
		if (i % PER_TX == PER_TX - 1 || i + 1 == n) {
			must(ops->commit(store, &err), "commit");
			if (i / PER_TX % 4 == 3)
				must(ops->checkpoint(store, 0, &err), "checkpoint");
		}
	}
	cs_store_close(store);
	free(conns);
	free(lead.text);
	return 0;
}
