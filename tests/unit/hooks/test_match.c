/* SPDX-License-Identifier: Apache-2.0 */
/* An emitted event finds its lead, or waits for it. */
#include "config.h"
#include "hooks/match.h"

#include "fixture.h"
#include "lead/hash.h"

#define MANIFEST                                                                                                         \
	"{\"manifest\":1,\"name\":\"hubspot\",\"version\":\"1.0.0\",\"title\":\"H\",\"base_url\":\"https://acme.example\","  \
	"\"hosts\":[\"acme.example\"],\"auth\":{\"kind\":\"static\"},"                                                     \
	"\"limits\":[{\"class\":\"api\",\"per\":\"connection\",\"count\":10,\"window_ms\":1000}],"                         \
	"\"steps\":[{\"name\":\"find\",\"label\":\"Find\"}],\"links\":{\"job\":\"https://acme.example/job/${id}\"}}"

static struct cs_manifest *manifest;
static struct cs_slots *slots;
static struct cs_accept_env env;
static struct cs_hook_target to;
static struct cs_conn_row conn, listener;
static int64_t delivery;
static struct cs_hook_event ev;

static void
set_up(void)
{
	struct cs_conn_row c = { .name = "", .account = "*", .crm = "webhook", .crm_account_id = "", .label = "", .state_reason = "",
		.subscribe = CS_SUB_EVENTS, .settings = "", .overrides = "", .facts = "", .timezone = "", .contacts = "" };

	make_dir();
	load_conf("");
	open_store();
	ok(cs_manifest_parse(MANIFEST, sizeof(MANIFEST) - 1, &manifest, &err));
	slots = cs_xcalloc(1, sizeof(*slots));
	slots->events_wanted = true;
	env = (struct cs_accept_env){ slots, NULL, 1, CS_HOUR_MS };
	conn = add_connection("hubspot", "", "");
	delivery = add_delivered_lead(conn.id, EVENT_ID);
	to = (struct cs_hook_target){ .conn_id = conn.id, .steps = { "contact" }, .n_steps = 1, .env = &env };
	ok(store->ops->begin(store, &err));
	ok(store->ops->conn_put(store, &c, &err));
	ok(store->ops->record_put(store, conn.id, "contact", "51", delivery, &err));
	ok(store->ops->commit(store, &err));
	listener = c;
}

static void
tear_down(void)
{
	cs_hook_event_end(&ev, &env, CS_ESTATE);
	cs_manifest_unref(manifest);
	free(slots);
	clean_up();
}

static int
read_event(const char *text, const uint8_t *dedupe, size_t index)
{
	struct cs_hook_origin from = { .public_id = conn.public_id, .dedupe = dedupe, .index = index, .manifest = manifest,
		.now_ms = NOW, .received_ms = NOW };

	cs_hook_event_end(&ev, &env, CS_ESTATE);
	return cs_hook_event_read(bytes(text), &from, &arena, &ev, &err);
}

static void
apply(int64_t now_ms)
{
	ok(store->ops->begin(store, &err));
	ok(cs_hook_event_apply(&ev, &to, store, now_ms, &err));
	ok(store->ops->commit(store, &err));
}

static void
report(const char *text)
{
	ok(read_event(text, NULL, 0));
	apply(NOW);
}

static json_object *
message(void)
{
	ck_assert_ptr_nonnull(ev.accept);
	return cs_lead_json(ev.accept->lead->doc);
}

static const char *
said(const char *pointer)
{
	return cs_json_pointer_text(message(), pointer);
}

static int64_t
record(const char *type, const char *id)
{
	int64_t d;

	return store->ops->record_find(store, conn.id, type, id, &d, NULL) == 0 ? d : 0;
}

static int
waiting(int64_t now_ms, struct cs_hook_row *row)
{
	struct cs_hook_row rows[8];
	int n = due_rows(store, now_ms, rows, 8);

	if (n > 0)
		*row = rows[0];
	return n;
}

START_TEST(an_event_about_a_record_of_a_delivery_becomes_a_message_about_its_lead)
{
	report("{\"event\":\"job.paid\",\"occurred_at\":\"2026-06-02T18:05:00Z\",\"match\":[{\"type\":\"contact\",\"id\":\"51\"}],"
	       "\"records\":[{\"type\":\"contact\",\"id\":\"51\"},{\"type\":\"job\",\"id\":\"j/1\"}],\"dedupe\":\"x\","
	       "\"job\":{\"status\":\"paid\",\"amount\":{\"value\":\"850.00\",\"currency\":\"USD\",\"basis\":\"paid\"}}}");
	ck_assert_int_eq(ev.fate, CS_HOOK_MATCHED);
	ck_assert_int_eq(ev.accept->result, CS_ACCEPT_NEW);
	ck_assert_uint_eq(ev.accept->n_made, 1);
	ck_assert_int_eq(ev.accept->made[0].row.conn_id, listener.id);
	ck_assert_str_eq(said("/schema_version"), "1.0");
	ck_assert_str_eq(said("/event"), "job.paid");
	ck_assert_str_eq(said("/occurred_at"), "2026-06-02T18:05:00Z");
	ck_assert_str_eq(said("/received_at"), "2026-05-26T14:32:00Z");
	ck_assert_str_eq(said("/callsetter_account_id"), "acct_xyz");
	ck_assert_str_eq(said("/lead/event_id"), EVENT_ID);
	ck_assert_str_eq(said("/lead/call_id"), "call_abc123");
	ck_assert_str_eq(said("/crm/name"), "hubspot");
	ck_assert_str_eq(said("/crm/connection"), conn.public_id);
	ck_assert_str_eq(said("/crm/records/1/id"), "j/1");
	ck_assert_str_eq(said("/crm/records/1/url"), "https://acme.example/job/j%2F1");
	ck_assert_str_eq(said("/match/how"), "remote_id");
	ck_assert_str_eq(said("/match/certainty"), "exact");
	ck_assert_str_eq(said("/job/amount/value"), "850.00");
	ck_assert_ptr_null(cs_json_get(message(), "dedupe"));
	ck_assert_ptr_null(cs_json_get(message(), "records"));
}
END_TEST

START_TEST(a_job_born_of_a_lead_is_known_from_then_on)
{
	report("{\"event\":\"lead.converted\",\"match\":[{\"type\":\"contact\",\"id\":\"51\"}],"
	       "\"records\":[{\"type\":\"job\",\"id\":\"j1\"}]}");
	ck_assert_int_eq(record("job", "j1"), delivery);
	report("{\"event\":\"job.paid\",\"match\":[{\"type\":\"job\",\"id\":\"j1\"}]}");
	ck_assert_int_eq(ev.fate, CS_HOOK_MATCHED);
	ck_assert_str_eq(said("/lead/event_id"), EVENT_ID);
}
END_TEST

START_TEST(a_record_stays_with_the_delivery_that_has_it)
{
	int64_t other = add_delivered_lead(conn.id, "11111111-1111-4111-8111-111111111111");

	ok(store->ops->begin(store, &err));
	ok(store->ops->record_put(store, conn.id, "customer", "c1", other, &err));
	ok(store->ops->commit(store, &err));
	report("{\"event\":\"lead.converted\",\"match\":[{\"type\":\"contact\",\"id\":\"51\"}],"
	       "\"records\":[{\"type\":\"customer\",\"id\":\"c1\"}]}");
	ck_assert_int_eq(record("customer", "c1"), other);
}
END_TEST

START_TEST(what_only_stands_among_the_records_does_not_match)
{
	report("{\"event\":\"job.paid\",\"match\":[{\"type\":\"job\",\"id\":\"j9\"}],\"records\":[{\"type\":\"contact\",\"id\":\"51\"}]}");
	ck_assert_int_eq(ev.fate, CS_HOOK_KEPT);
	report("{\"event\":\"job.paid\",\"records\":[{\"type\":\"contact\",\"id\":\"51\"}]}"); /* unless nothing else is said */
	ck_assert_int_eq(ev.fate, CS_HOOK_MATCHED);
}
END_TEST

START_TEST(our_own_mark_in_a_record_matches_leads_of_this_connection_only)
{
	struct cs_conn_row other = add_connection("hubspot", "", "");

	add_delivered_lead(other.id, "22222222-2222-4222-8222-222222222222");
	report("{\"event\":\"lead.lost\",\"match\":[{\"type\":\"lead\",\"id\":\"l1\"},{\"marker\":\"" EVENT_ID "\"}]}");
	ck_assert_int_eq(ev.fate, CS_HOOK_MATCHED);
	ck_assert_str_eq(said("/match/how"), "marker");
	ck_assert_str_eq(said("/match/certainty"), "exact");
	report("{\"event\":\"lead.lost\",\"match\":[{\"marker\":\"22222222-2222-4222-8222-222222222222\"}]}");
	ck_assert_int_eq(ev.fate, CS_HOOK_KEPT);
}
END_TEST

START_TEST(a_known_caller_is_a_likely_match_and_leaves_no_records)
{
	struct cs_lead_hasher h;

	cs_lead_hasher_init(&h);
	ok(store->ops->begin(store, &err));
	ok(store->ops->caller_put(store, conn.id, cs_lead_phone_key(&h, "+13035550142"), "contact", "51", NOW, &err));
	ok(store->ops->commit(store, &err));
	cs_lead_hasher_fini(&h);
	report("{\"event\":\"job.scheduled\",\"match\":[{\"phone\":\"+13035550142\"},{\"type\":\"job\",\"id\":\"j7\"}],"
	       "\"records\":[{\"type\":\"job\",\"id\":\"j7\"}]}");
	ck_assert_int_eq(ev.fate, CS_HOOK_MATCHED);
	ck_assert_str_eq(said("/match/how"), "phone");
	ck_assert_str_eq(said("/match/certainty"), "likely");
	ck_assert_int_eq(record("job", "j7"), 0);
	report("{\"event\":\"job.scheduled\",\"match\":[{\"email\":\"jane@example.com\"}]}");
	ck_assert_int_eq(ev.fate, CS_HOOK_KEPT);
}
END_TEST

START_TEST(the_same_happening_is_queued_once)
{
	uint8_t id[16], key[32] = { 1 };
	int64_t lead_id;

	report("{\"event\":\"job.paid\",\"match\":[{\"type\":\"contact\",\"id\":\"51\"}],\"dedupe\":\"job.paid:51\"}");
	memcpy(id, ev.id, 16);
	lead_id = ev.accept->lead_id;
	ck_assert_int_eq(cs_uuid_version(id), 8);
	ok(read_event("{\"event\":\"job.paid\",\"match\":[{\"type\":\"contact\",\"id\":\"51\"}],\"dedupe\":\"job.paid:51\",\"job\":{}}", key, 7));
	ck_assert_mem_eq(id, ev.id, 16); /* another message, another place in it: the plugin's word counts */
	apply(NOW + CS_HOUR_MS);
	ck_assert_int_ne(ev.accept->result, CS_ACCEPT_NEW);
	ck_assert_int_eq(ev.accept->lead_id, lead_id);
}
END_TEST

START_TEST(without_a_key_of_its_own_the_messages_key_and_place_make_the_identity)
{
	static const char text[] = "{\"event\":\"lead.updated\",\"match\":[]}";
	uint8_t a[32] = { 1 }, b[32] = { 2 }, id[16];

	ok(read_event(text, a, 0));
	memcpy(id, ev.id, 16);
	ok(read_event(text, a, 0));
	ck_assert_mem_eq(id, ev.id, 16);
	ok(read_event(text, a, 1));
	ck_assert(memcmp(id, ev.id, 16) != 0);
	ok(read_event(text, b, 0));
	ck_assert(memcmp(id, ev.id, 16) != 0);
}
END_TEST

START_TEST(what_matches_no_lead_waits_and_is_matched_when_the_lead_is_there)
{
	struct cs_hook_row row;

	report("{\"event\":\"job.paid\",\"occurred_at\":\"2026-06-02T18:05:00Z\",\"match\":[{\"type\":\"job\",\"id\":\"j1\"}]}");
	ck_assert_int_eq(ev.fate, CS_HOOK_KEPT);
	ck_assert_ptr_null(ev.accept);
	ck_assert_int_eq(waiting(NOW, &row), 0);
	ck_assert_int_eq(waiting(NOW + CS_MINUTE_MS, &row), 1);
	ck_assert_str_eq(row.headers, CS_HOOK_WAITS);
	cs_hook_event_of_row(&row, &arena, &ev);
	apply(NOW + CS_MINUTE_MS);
	ck_assert_int_eq(ev.fate, CS_HOOK_KEPT);
	ck_assert_int_eq(waiting(NOW + CS_MINUTE_MS, &row), 0);
	ok(store->ops->begin(store, &err));
	ok(store->ops->record_put(store, conn.id, "job", "j1", delivery, &err));
	ok(store->ops->commit(store, &err));
	ck_assert_int_eq(waiting(NOW + CS_HOUR_MS, &row), 1);
	cs_hook_event_of_row(&row, &arena, &ev);
	apply(NOW + CS_HOUR_MS);
	ck_assert_int_eq(ev.fate, CS_HOOK_MATCHED);
	ck_assert_str_eq(said("/occurred_at"), "2026-06-02T18:05:00Z");
	ck_assert_str_eq(said("/received_at"), "2026-05-26T14:32:00Z"); /* when the CRM told, not when we understood */
	ck_assert_int_eq(waiting(NOW + CS_DAY_MS, &row), 0);
}
END_TEST

START_TEST(what_waits_already_is_not_kept_twice)
{
	struct cs_hook_row row;

	report("{\"event\":\"job.paid\",\"match\":[{\"type\":\"job\",\"id\":\"j1\"}],\"dedupe\":\"d\"}");
	report("{\"event\":\"job.paid\",\"match\":[{\"type\":\"job\",\"id\":\"j1\"}],\"dedupe\":\"d\"}");
	ck_assert_int_eq(waiting(NOW + CS_DAY_MS, &row), 1);
}
END_TEST

START_TEST(after_a_week_it_goes)
{
	struct cs_hook_row row;

	report("{\"event\":\"job.paid\",\"match\":[{\"type\":\"job\",\"id\":\"j1\"}]}");
	ck_assert_int_eq(waiting(NOW + 8 * CS_DAY_MS, &row), 1);
	cs_hook_event_of_row(&row, &arena, &ev);
	apply(NOW + 8 * CS_DAY_MS);
	ck_assert_int_eq(ev.fate, CS_HOOK_EXPIRED);
	ck_assert_int_eq(waiting(NOW + 99 * CS_DAY_MS, &row), 0);
}
END_TEST

START_TEST(it_is_tried_often_at_first_and_seldom_later)
{
	int tries = 0;

	for (int64_t age = 0; age < 7 * CS_DAY_MS; age += cs_hook_next_try_ms(age))
		tries++;
	ck_assert_int_le(tries, 60);
	ck_assert_int_eq(cs_hook_next_try_ms(0), CS_MINUTE_MS);
	ck_assert_int_eq(cs_hook_next_try_ms(CS_HOUR_MS), CS_HOUR_MS / 4);
	ck_assert_int_eq(cs_hook_next_try_ms(3 * CS_DAY_MS), 6 * CS_HOUR_MS);
}
END_TEST

START_TEST(when_nobody_listens_the_records_are_kept_all_the_same)
{
	slots->events_wanted = false;
	report("{\"event\":\"lead.converted\",\"match\":[{\"type\":\"contact\",\"id\":\"51\"}],\"records\":[{\"type\":\"job\",\"id\":\"j1\"}]}");
	ck_assert_int_eq(ev.fate, CS_HOOK_MATCHED);
	ck_assert_ptr_null(ev.accept);
	ck_assert_int_eq(record("job", "j1"), delivery);
}
END_TEST

START_TEST(a_transaction_that_was_rolled_back_is_applied_again)
{
	ok(read_event("{\"event\":\"job.paid\",\"match\":[{\"type\":\"contact\",\"id\":\"51\"}]}", NULL, 0));
	ok(store->ops->begin(store, &err));
	ok(cs_hook_event_apply(&ev, &to, store, NOW, &err));
	store->ops->rollback(store);
	apply(NOW);
	ck_assert_int_eq(ev.accept->result, CS_ACCEPT_NEW);
	ck_assert_uint_eq(ev.accept->n_made, 1);
}
END_TEST

START_TEST(a_plugin_cannot_speak_for_the_core)
{
	ck_assert_int_eq(read_event("{\"event\":\"alert.raised\",\"match\":[]}", NULL, 0), CS_EINVAL);
	ck_assert_int_eq(read_event("{\"event\":\"lead.delivered\",\"match\":[]}", NULL, 0), CS_EINVAL);
	ck_assert_int_eq(read_event("{\"match\":[]}", NULL, 0), CS_EINVAL);
	ck_assert_int_eq(read_event("[]", NULL, 0), CS_EINVAL);
	ck_assert_int_eq(read_event("{", NULL, 0), CS_EINVAL);
	report("{\"event\":\"job.paid\",\"match\":[{\"type\":\"contact\",\"id\":\"51\"}],\"callsetter_account_id\":\"other\","
	       "\"event_id\":\"33333333-3333-4333-8333-333333333333\",\"lead\":{\"event_id\":\"x\"},\"crm\":{\"name\":\"x\"}}");
	ck_assert_str_eq(said("/callsetter_account_id"), "acct_xyz");
	ck_assert_str_ne(said("/event_id"), "33333333-3333-4333-8333-333333333333");
	ck_assert_str_eq(said("/lead/event_id"), EVENT_ID);
	ck_assert_str_eq(said("/crm/name"), "hubspot");
}
END_TEST

START_TEST(odd_members_of_an_event_are_left_out)
{
	report("{\"event\":\"job.paid\",\"occurred_at\":\"yesterday\",\"match\":[null,5,{\"type\":\"job\"},{\"type\":\"\",\"id\":\"\"},"
	       "{\"phone\":7},{\"type\":\"contact\",\"id\":\"51\"}],\"records\":{\"type\":\"job\"}}");
	ck_assert_int_eq(ev.fate, CS_HOOK_MATCHED);
	ck_assert_str_eq(said("/occurred_at"), "2026-05-26T14:32:00Z");
	ck_assert_uint_eq(json_object_array_length(cs_json_pointer(message(), "/crm/records")), 0);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, an_event_about_a_record_of_a_delivery_becomes_a_message_about_its_lead);
	tcase_add_test(tc, a_job_born_of_a_lead_is_known_from_then_on);
	tcase_add_test(tc, a_record_stays_with_the_delivery_that_has_it);
	tcase_add_test(tc, what_only_stands_among_the_records_does_not_match);
	tcase_add_test(tc, our_own_mark_in_a_record_matches_leads_of_this_connection_only);
	tcase_add_test(tc, a_known_caller_is_a_likely_match_and_leaves_no_records);
	tcase_add_test(tc, the_same_happening_is_queued_once);
	tcase_add_test(tc, without_a_key_of_its_own_the_messages_key_and_place_make_the_identity);
	tcase_add_test(tc, what_matches_no_lead_waits_and_is_matched_when_the_lead_is_there);
	tcase_add_test(tc, what_waits_already_is_not_kept_twice);
	tcase_add_test(tc, after_a_week_it_goes);
	tcase_add_test(tc, it_is_tried_often_at_first_and_seldom_later);
	tcase_add_test(tc, when_nobody_listens_the_records_are_kept_all_the_same);
	tcase_add_test(tc, a_transaction_that_was_rolled_back_is_applied_again);
	tcase_add_test(tc, a_plugin_cannot_speak_for_the_core);
	tcase_add_test(tc, odd_members_of_an_event_are_left_out);
}

int
main(void)
{
	return run_case("match", set_up, tear_down, fill);
}
