/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered from the store when there is no daemon. */
#include "fixture.h"
#include "lead/lead.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/text.h"

#define EVENT "7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11"

static char dir[64], conf[96];
static struct cs_store *store; /* as the daemon's: open while the commands run */
static struct cs_err err;
static struct ran r;
static int64_t now_ms, lead_id, dead_id;
static const char *conn_id;
static struct cs_arena mem;

#define ok(call) ck_assert_msg((call) >= 0, "%s: %s", #call, err.msg)
#define ASK(...) RUN(&r, __VA_ARGS__, "--config", conf)

static int64_t
put_conn(const char *name, const char *crm, const char **id)
{
	struct cs_conn_row row = { .name = name,
				   .account = "acct_xyz",
				   .crm = crm,
				   .crm_account_id = "",
				   .label = "Acme",
				   .state_reason = "",
				   .is_static = true,
				   .subscribe = CS_SUB_ROUTED,
				   .settings = "{\"url\":\"https://x\"}",
				   .overrides = "",
				   .facts = "",
				   .timezone = "", .contacts = "" };
	ok(store->ops->conn_put(store, &row, &err));
	*id = cs_arena_strdup(&mem, row.public_id);
	return row.id;
}

static int64_t
put_delivery(int64_t conn, enum cs_state state, enum cs_blame blame, const char *reason)
{
	struct cs_delivery_row d = { .lead_id = lead_id,
				     .conn_id = conn,
				     .crm = "",
				     .account = "acct_xyz",
				     .crm_account_id = "",
				     .state = state,
				     .urgency = CS_URGENCY_EMERGENCY,
				     .created_ms = now_ms - 7 * CS_MINUTE_MS,
				     .due_ms = now_ms - 1,
				     .expires_ms = now_ms + 60000,
				     .blame = blame,
				     .reason = reason,
				     .records = "",
				     .warnings = "",
				     .done_ms = state == CS_DEAD ? now_ms : 0 };

	ok(store->ops->delivery_insert(store, &d, &err));
	return d.id;
}

static void
fill(void)
{
	struct cs_lead_row lead = { .account = "acct_xyz",
				    .event = "lead.qualified",
				    .kind = CS_KIND_LEAD,
				    .urgency = CS_URGENCY_EMERGENCY,
				    .received_ms = now_ms - 7 * CS_MINUTE_MS,
				    .body = { "{\"contact\":{\"first_name\":\"Maria\"}}", 34 },
				    .warnings = "" };
	struct cs_attempt_row attempt = { .number = 1,
					  .started_ms = now_ms - 60000,
					  .ended_ms = now_ms - 59000,
					  .outcome = CS_REJECT,
					  .status = 400,
					  .reason = "bad zip",
					  .exchanges = "[{\"at_ms\":1,\"ms\":5,\"step\":\"lead\",\"method\":"
						       "\"POST\",\"url\":\"/leads\",\"status\":400}]",
					  .versions = "{}" };
	const char *zap_id;
	int64_t acme, zap;

	ok(store->ops->begin(store, &err));
	acme = put_conn("acme", "hubspot", &conn_id);
	zap = put_conn("zap", "webhook", &zap_id);
	cs_uuid_parse(EVENT, strlen(EVENT), lead.event_id);
	ok(store->ops->lead_insert(store, &lead, &err));
	lead_id = lead.id;
	put_delivery(acme, CS_DUE, CS_BLAME_NONE, "");
	dead_id = attempt.delivery_id = put_delivery(zap, CS_DEAD, CS_BLAME_LEAD, "bad zip");
	ok(store->ops->attempt_put(store, &attempt, &err));
	ok(store->ops->alert_put(
	    store,
	    &(struct cs_alert_row){ .key = "dead/1", .text = "three dead letters", .raised_ms = now_ms },
	    &err));
	ok(store->ops->commit(store, &err));
}

static void
setup(void)
{
	struct cs_store_conf sc = { 0 };
	FILE *f;

	cs_arena_init(&mem);
	now_ms = cs_now_ms(&cs_clock_real);
	strcpy(dir, "/tmp/cs-ctl-offline-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(conf, sizeof(conf), "%s/csrelay.conf", dir);
	f = fopen(conf, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "store : { path = \"%s/x.db\"; };\nlisten : { control = \"unix:%s/none\"; };\n", dir, dir);
	fclose(f);
	sc.path = cs_arena_printf(&mem, "%s/x.db", dir);
	ok(cs_store_open_sqlite(&sc, &store, &err));
	fill();
}

static void
teardown(void)
{
	char command[96];

	cs_store_close(store);
	cs_arena_fini(&mem);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

/* The member of what was printed as JSON. */
static const char *
at(const char *pointer)
{
	static char out[256];
	json_object *o = NULL;

	ck_assert_int_eq(cs_json_parse(r.out, strlen(r.out), 64, &o, NULL), 0);
	snprintf(out, sizeof(out), "%s", cs_json_pointer_text(o, pointer));
	json_object_put(o);
	return out;
}

START_TEST(the_store_is_read_and_that_is_said)
{
	ASK("leads");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	assert_has(r.err, "reading the store instead");
	assert_has(r.out, "hubspot waits, webhook dead letter");
	ASK("leads", "--offline");
	ck_assert_str_eq(r.err, "");
	ASK("leads", "--offline", "--account", "acct_other");
	ck_assert_str_eq(r.out, "no leads\n");
}
END_TEST

START_TEST(a_store_that_was_closed_is_read_all_the_same)
{
	cs_store_close(store);
	store = NULL;
	ASK("leads", "--json");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	ck_assert_str_eq(at("/items/0/event_id"), EVENT);
}
END_TEST

START_TEST(a_lead_is_found_by_number_and_by_event)
{
	ASK("explain", EVENT);
	ck_assert_int_eq(r.status, CS_CTL_OK);
	assert_has(r.out, "caller Maria");
	assert_has(r.out, "lead: POST /leads answered 400 in 5 ms");
	assert_has(r.out, "dead letter, blamed on the lead");
	ASK("explain", cs_arena_printf(&mem, "%lld", (long long)lead_id), "--json");
	ck_assert_str_eq(at("/deliveries/1/attempts/0/status"), "400");
	ASK("explain", "4711");
	ck_assert_int_eq(r.status, CS_CTL_NOT_FOUND);
	ASK("explain", "00000000-0000-4000-8000-000000000000");
	ck_assert_int_eq(r.status, CS_CTL_NOT_FOUND);
	ASK("explain", EVENT, "--account", "acct_other");
	ck_assert_int_eq(r.status, CS_CTL_NOT_FOUND);
	ASK("explain", "../../etc");
	ck_assert_int_eq(r.status, CS_CTL_NOT_FOUND);
}
END_TEST

START_TEST(deliveries_are_filtered_as_the_daemon_does)
{
	ASK("deliveries", "--json", "--state", "due");
	ck_assert_str_eq(at("/items/0/connection_name"), "acme");
	ck_assert_str_eq(at("/items/1/id"), "");
	ASK("deliveries", "--json", "--connection", "zap", "--blame", "lead", "--urgency", "emergency",
	    "--since", "1h", "--crm", "webhook");
	ck_assert_str_eq(at("/items/0/state"), "dead");
	ASK("deliveries", "--since", "2020-01-01", "--until", "2020-01-02");
	ck_assert_str_eq(r.out, "no deliveries\n");
	ASK("deliveries", "--limit", "1", "--json");
	ck_assert_str_eq(at("/next"), cs_arena_printf(&mem, "%lld", (long long)dead_id));
	ASK("deliveries", "--state", "nowhere");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	assert_has(r.err, "state must be due, in_hand, delivered, dead or discarded");
	ASK("dlq", "list", "--blame", "me");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	ASK("deliveries", "--connection", "nobody");
	ck_assert_int_eq(r.status, CS_CTL_NOT_FOUND);
}
END_TEST

START_TEST(dead_letters_are_listed_and_shown)
{
	ASK("dlq", "list");
	assert_has(r.out, "lead: bad zip");
	ASK("dlq", "show", cs_arena_printf(&mem, "%lld", (long long)dead_id));
	ck_assert_int_eq(r.status, CS_CTL_OK);
	assert_has(r.out, cs_arena_printf(&mem, "csrelay dlq fix %lld", (long long)dead_id));
	ASK("dlq", "show", cs_arena_printf(&mem, "%lld", (long long)(lead_id << 8 | 1)));
	ck_assert_int_eq(r.status, CS_CTL_NOT_FOUND);
	assert_has(r.err, "it is no dead letter: it is due");
}
END_TEST

START_TEST(the_queue_is_shaped)
{
	ASK("queue");
	assert_has(r.out, "  Acme conn_");
	ASK("queue", "--json");
	ck_assert_str_eq(at("/crms/0/crm"), "hubspot");
	ck_assert_str_eq(at("/crms/0/connections/0/ages/1"), "1");
	ck_assert_str_eq(at("/buckets_minutes/8"), "1280");
}
END_TEST

START_TEST(connections_and_alerts_are_listed)
{
	ASK("connections", "--json", "--crm", "hubspot");
	ck_assert_str_eq(at("/items/0/id"), conn_id);
	ck_assert_str_eq(at("/items/0/backlog/emergency"), "1");
	ck_assert_str_eq(at("/items/1/id"), "");
	ASK("connections", "zap");
	assert_has(r.out, "crm              webhook\n");
	ASK("alerts");
	assert_has(r.out, "three dead letters");
}
END_TEST

START_TEST(what_only_a_daemon_knows_is_not_made_up)
{
	ASK("plugins");
	ck_assert_int_eq(r.status, CS_CTL_UNREACHABLE);
	ASK("dlq", "replay", "--all");
	ck_assert_int_eq(r.status, CS_CTL_UNREACHABLE);
}
END_TEST

START_TEST(neither_daemon_nor_store_is_status_3)
{
	FILE *f = fopen(conf, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "store : { path = \"%s/other.db\"; };\nlisten : { control = \"unix:%s/none\"; };\n", dir,
		dir);
	fclose(f);
	ASK("leads");
	ck_assert_int_eq(r.status, CS_CTL_UNREACHABLE);
	assert_has(r.err, "other.db");
}
END_TEST

START_TEST(a_sound_store_is_said_to_be_sound)
{
	ASK("store", "check");
	ck_assert_msg(r.status == CS_CTL_OK, "%s%s", r.out, r.err);
	ck_assert_str_eq(r.out, "the store is sound\n");
	ASK("store", "check", "--json");
	ck_assert_str_eq(r.out, "{\"findings\":[]}\n");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/offline");
	TCase *t = tcase_create("offline");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_store_is_read_and_that_is_said);
	tcase_add_test(t, a_store_that_was_closed_is_read_all_the_same);
	tcase_add_test(t, a_lead_is_found_by_number_and_by_event);
	tcase_add_test(t, deliveries_are_filtered_as_the_daemon_does);
	tcase_add_test(t, dead_letters_are_listed_and_shown);
	tcase_add_test(t, the_queue_is_shaped);
	tcase_add_test(t, connections_and_alerts_are_listed);
	tcase_add_test(t, what_only_a_daemon_knows_is_not_made_up);
	tcase_add_test(t, neither_daemon_nor_store_is_status_3);
	tcase_add_test(t, a_sound_store_is_said_to_be_sound);
	suite_add_tcase(s, t);
	return run_suite(s);
}
