/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody came back for goes when its time is over, and nothing else does. */
#include "config.h"
#include "../fixture.h"
#include "api/conn/lapse.h"
#include "log/metrics.h"

#define LIFE (30 * CS_MINUTE_MS)

static struct cs_lapse *lapse;

static int64_t
put_pending(const char *account)
{
	struct cs_conn_row c = { .name = "", .account = account, .crm = "acme", .crm_account_id = "", .label = "", .state = CS_CONN_PENDING,
		.state_reason = "", .state_since_ms = NOW, .subscribe = CS_SUB_ROUTED, .settings = "", .overrides = "", .facts = "", .timezone = "",
		.contacts = "" };
	struct cs_err err;

	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->conn_put(fx.store, &c, &err));
	ok(fx.store->ops->secret_put(fx.store, cs_arena_printf(&fx.mem, "conn/%lld", (long long)c.id), "token", (struct cs_bytes){ "sealed", 6 }, &err));
	ok(fx.store->ops->commit(fx.store, &err));
	return c.id;
}

/* A link to this connection (0: to any), and a session of it that has made another one (0: none). Returns the link. */
static int64_t
put_link(int64_t conn_id, int64_t made, uint8_t hash)
{
	struct cs_link_row l = { .hash = { hash }, .account = "acct_1", .crm = "acme", .who = "operator", .conn_id = conn_id, .created_ms = NOW,
		.expires_ms = NOW + LIFE, .last_ms = NOW + LIFE, .life_ms = LIFE };
	struct cs_link_session_row s = { .hash = { hash }, .crm = "acme", .conn_id = made != 0 ? made : conn_id, .expires_ms = NOW + LIFE };
	struct cs_err err;

	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->link_put(fx.store, &l, &err));
	s.link_id = l.id;
	ok(fx.store->ops->link_session_put(fx.store, &s, &err));
	ok(fx.store->ops->commit(fx.store, &err));
	return l.id;
}

static void
begin(void)
{
	fx.conf->public_url = "https://relay.example";
	serve();
	lapse = cs_lapse_new(fx.writer, NULL);
}

/* Whatever is queued by the tick is done once a later change was answered. */
static void
tick(int64_t now_ms)
{
	cs_clock_set(&fx.clock, now_ms);
	cs_lapse_tick(lapse, fx.look, now_ms);
	ck_assert_int_eq(POST("{\"account\":\"acct_1\"}", "/v1/connect-links"), 201);
}

static void
end(void)
{
	cs_lapse_free(lapse);
}

static bool
is_there(int64_t conn_id)
{
	struct cs_conn_row row;

	return fx.look->ops->conn_get(fx.look, conn_id, &fx.mem, &row, NULL) == 0;
}

static int
sessions(void)
{
	struct cs_link_session_row rows[10];

	return fx.look->ops->link_sessions_over(fx.look, CS_NEVER, &fx.mem, rows, 10, NULL);
}

static bool
counted(const char *line)
{
	ck_assert_int_eq(call_control("GET", "/metrics", NULL), 200);
	return strstr(fx.body, line) != NULL;
}

START_TEST(an_abandoned_session_goes_with_what_it_has_made)
{
	int64_t made = put_pending("acct_1"), owned = put_pending("acct_1"), to_confirm = put_pending("acct_1"), link;
	struct cs_link_row row;

	cs_metrics_reset();
	link = put_link(0, made, 1);
	put_link(to_confirm, 0, 2); /* an operator made that, and sent a link to confirm it */
	begin();
	tick(NOW + LIFE - 1);
	ck_assert(is_there(made) && sessions() == 2);
	tick(NOW + LIFE);
	ck_assert_msg(sessions() == 2, "not twice within a minute");
	tick(NOW + LIFE + CS_MINUTE_MS);
	ck_assert(!is_there(made) && is_there(owned) && is_there(to_confirm));
	ck_assert_int_eq(sessions(), 0);
	tick(NOW + LIFE + 2 * CS_MINUTE_MS);
	ck_assert_int_eq(fx.look->ops->link_get(fx.look, link, &fx.mem, &row, NULL), CS_ENOTFOUND);
	ck_assert(counted("csrelay_lapsed_total{what=\"connection\"} 1") && counted("csrelay_lapsed_total{what=\"parked_grant\"} 0"));
	end();
}
END_TEST

START_TEST(what_was_confirmed_meanwhile_stays)
{
	int64_t made = put_pending("acct_1");
	struct cs_err err;

	put_link(0, made, 1);
	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->conn_state(fx.store, made, CS_CONN_CONNECTED, "", NOW, &err)); /* by the operator */
	ok(fx.store->ops->commit(fx.store, &err));
	begin();
	tick(NOW + 2 * LIFE);
	ck_assert(is_there(made));
	ck_assert_int_eq(sessions(), 0);
	end();
}
END_TEST

START_TEST(a_parked_grant_waits_a_fortnight)
{
	int64_t parked = put_pending(""), other = put_pending("acct_1");
	const char *names[2];

	cs_metrics_reset();
	begin();
	tick(NOW + CS_PARKED_MS - 1);
	ck_assert(is_there(parked));
	tick(NOW + CS_PARKED_MS + CS_MINUTE_MS);
	ck_assert(!is_there(parked) && is_there(other));
	ck_assert_int_eq(fx.look->ops->secret_list(fx.look, cs_arena_printf(&fx.mem, "conn/%lld", (long long)parked), &fx.mem, names, 2, NULL), 0);
	ck_assert(counted("csrelay_lapsed_total{what=\"parked_grant\"} 1"));
	end();
}
END_TEST

START_TEST(a_crowd_goes_in_bites)
{
	int64_t ids[25];
	int left = 0;

	for (size_t i = 0; i < CS_ARRAY_LEN(ids); i++)
		ids[i] = put_pending("");
	begin();
	tick(NOW + CS_PARKED_MS);
	for (size_t i = 0; i < CS_ARRAY_LEN(ids); i++)
		left += is_there(ids[i]);
	ck_assert_int_eq(left, 5);
	tick(NOW + CS_PARKED_MS + CS_MINUTE_MS);
	for (size_t i = 0; i < CS_ARRAY_LEN(ids); i++)
		ck_assert(!is_there(ids[i]));
	end();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { an_abandoned_session_goes_with_what_it_has_made, what_was_confirmed_meanwhile_stays,
		a_parked_grant_waits_a_fortnight, a_crowd_goes_in_bites, NULL };

	return run_tests("lapse", tests);
}
