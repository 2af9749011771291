/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_handle.c - webhooks and polls from the store to the queue, with a real engine, writer and listener, and a plugin that
 * does as it is told (teller.c). The clock stands; the tests move it.
 */
#include "config.h"
#include "hooks/hooks.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include "fixture.h"
#include "hooks/match.h"
#include "log/log.h"
#include "store/writer.h"

#define WAIT_US 5000
#define WAITS 1600 /* 8 s, under valgrind, too */

static struct cs_clock clock_;
static struct cs_writer *writer;
static struct cs_engine *engine;
static struct cs_hooks *hooks;
static struct cs_slots *slots;
static struct cs_store *reader;
static struct cs_conn_row conn, listener;
static int64_t delivery;
static bool stopped;

/* ---- the daemon, as far as hooks need it */

static void
fatal(const struct cs_err *e)
{
	fprintf(stderr, "%s\n", e->msg);
	abort();
}

static void
start_daemon(void)
{
	struct cs_engine_conf ec = { .conf = conf, .clock = &clock_, .slots = slots, .epoch = 1, .epoch_started_ms = NOW,
		.trust_plugins = true };
	struct cs_hooks_conf hc = { .conf = conf, .clock = &clock_ };

	ok(store->ops->reader(store, &ec.reader, &err));
	ok(store->ops->reader(store, &hc.reader, &err));
	ok(store->ops->reader(store, &reader, &err));
	ok(cs_writer_start(store, &clock_, fatal, &writer, &err));
	store = NULL;
	ec.writer = hc.writer = writer;
	ok(cs_engine_start(&ec, &engine, &err));
	hc.engine = engine;
	ok(cs_hooks_start(&hc, &hooks, &err));
	stopped = false;
}

static void
stop_daemon(void)
{
	if (stopped)
		return;
	stopped = true;
	cs_engine_stop(engine, 100);
	cs_writer_stop(writer, true);
	cs_hooks_stop(hooks);
	cs_engine_free(engine);
	cs_store_close(reader);
}

static void
prepare(const char *settings)
{
	char text[600];

	make_dir();
	snprintf(text, sizeof(text),
	    "enabled = true;\nconnections = ( { name = \"main\"; account = \"acct_xyz\"; settings : { %s }; },"
	    " { name = \"other\"; account = \"acct_abc\"; } );\n", settings);
	put_file("crm.d/teller.conf", text);
	load_conf("plugins : { dir = \"" TELLER_DIR "\"; check_owner = false; confined = false; };\nhttp : { allow = [ \"127.0.0.1:*\" ]; };\n");
	open_store();
	slots = cs_xcalloc(1, sizeof(*slots));
	slots->events_wanted = true;
	cs_clock_init_fixed(&clock_, NOW, 1);
	conn = add_connection("teller", "main", "");
	listener = (struct cs_conn_row){ .name = "", .account = "*", .crm = "webhook", .crm_account_id = "", .label = "",
		.state = CS_CONN_PAUSED, .state_reason = "", .subscribe = CS_SUB_EVENTS, .settings = "", .overrides = "", .facts = "",
		.timezone = "", .contacts = "" };
	ok(store->ops->begin(store, &err));
	ok(store->ops->conn_put(store, &listener, &err));
	ok(store->ops->commit(store, &err));
	delivery = add_delivered_lead(conn.id, EVENT_ID);
	ok(store->ops->begin(store, &err));
	ok(store->ops->record_put(store, conn.id, "contact", "51", delivery, &err));
	ok(store->ops->commit(store, &err));
}

static void
set_up(void)
{
	cs_log_init(&(struct cs_log_conf){ .level = CS_LOG_ERROR, .fd = 2 });
	prepare("base_url = \"http://127.0.0.1:1\";");
}

static void
tear_down(void)
{
	if (engine != NULL)
		stop_daemon();
	free(slots);
	clean_up();
}

/* The same with other settings. */
static void
prepare_anew(const char *settings)
{
	free(slots);
	clean_up();
	prepare(settings);
}

/* By the engine, after what was posted before: it must not see the new time and not yet know of that. */
struct move {
	struct cs_msg msg;
	int64_t ms;
	_Atomic bool *moved;
};

static void
move_on(struct cs_engine *e CS_UNUSED, struct cs_msg *m)
{
	struct move *v = CS_CONTAINER(m, struct move, msg);

	cs_clock_set(&clock_, cs_now_ms(&clock_) + v->ms);
	*v->moved = true;
	free(v);
}

static void
move_clock(int64_t ms)
{
	struct move *v = cs_xcalloc(1, sizeof(*v));
	_Atomic bool moved = false;

	v->msg.handle = move_on;
	v->ms = ms;
	v->moved = &moved;
	ck_assert(cs_engine_post(engine, &v->msg));
	while (!moved)
		usleep(500);
}

/* ---- changes from outside, through the writer */

struct change {
	struct cs_wop wop;
	struct cs_hook_row row;
	enum { INSERT, STATE, RECORD } what;
	enum cs_conn_state state;
	_Atomic bool done;
};

static int
apply_change(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *e)
{
	struct change *c = CS_CONTAINER(w, struct change, wop);

	if (c->what == STATE)
		return s->ops->conn_state(s, conn.id, c->state, "", now_ms, e);
	if (c->what == RECORD)
		return s->ops->record_put(s, conn.id, "job", "1", delivery, e);
	return s->ops->hook_insert(s, &c->row, e);
}

static void
change_done(struct cs_wop *w)
{
	ck_assert_int_eq(w->rc, 0);
	CS_CONTAINER(w, struct change, wop)->done = true;
}

static void
change(struct change *c)
{
	c->wop.apply = apply_change;
	c->wop.committed = change_done;
	ck_assert(cs_writer_put(writer, &c->wop));
	while (!c->done)
		usleep(500);
	move_clock(1001); /* the engine looks once a second */
}

static void
keep_hook(uint8_t key, const char *body)
{
	struct change c = { .row = { .crm = "teller", .conn_id = conn.id, .dedupe = { key }, .received_ms = cs_now_ms(&clock_),
		.due_ms = cs_now_ms(&clock_), .headers = "{}", .body = bytes(body) } };

	change(&c);
}

static void
set_state(enum cs_conn_state state)
{
	struct change c = { .what = STATE, .state = state };

	change(&c);
	cs_engine_post_conn(engine, conn.id, false);
}

/* ---- what is to be seen in the store */

#define wait_for(condition)                                            \
	do {                                                           \
		int waits_ = 0;                                        \
		while (!(condition) && ++waits_ < WAITS)               \
			usleep(WAIT_US);                               \
		ck_assert_msg(waits_ < WAITS, "waited for %s", #condition); \
	} while (0)

static int
hooks_due(int64_t within_ms, struct cs_hook_row *first)
{
	struct cs_hook_row rows[16];
	int n = due_rows(reader, cs_now_ms(&clock_) + within_ms, rows, 16);

	if (n > 0 && first != NULL)
		*first = rows[0];
	return n;
}

static int
rows_of(int64_t conn_id)
{
	struct cs_hook_row rows[16];

	return ok(reader->ops->hook_due(reader, conn_id, cs_now_ms(&clock_), &arena, rows, 16, &err));
}

/* Is the row of that key due by then? */
static int
rows_within(int64_t within_ms, uint8_t key, struct cs_hook_row *out)
{
	struct cs_hook_row rows[16];
	int n = due_rows(reader, cs_now_ms(&clock_) + within_ms, rows, 16), found = 0;

	for (int i = 0; i < n; i++)
		if (rows[i].dedupe[0] == key) {
			*out = rows[i];
			found++;
		}
	return found;
}

static int
hooks_left(void)
{
	return hooks_due(30 * CS_DAY_MS, NULL);
}

static int
count_event(void *ctx, const struct cs_delivery_row *row CS_UNUSED)
{
	(*(int *)ctx)++;
	return 0;
}

static int
events(void)
{
	struct cs_filter f = { .conn_id = listener.id, .blame = -1, .urgency = -1, .limit = 100 };
	int n = 0;

	ok(reader->ops->delivery_list(reader, &f, &arena, count_event, &n, &err));
	return n;
}

static int64_t
record(const char *type, const char *id)
{
	int64_t d;

	return reader->ops->record_find(reader, conn.id, type, id, &d, NULL) == 0 ? d : 0;
}

static enum cs_conn_state
state(void)
{
	struct cs_conn_row row;

	ok(reader->ops->conn_get(reader, conn.id, &arena, &row, &err));
	return row.state;
}

static int
cursor(int64_t *next_ms)
{
	struct cs_bytes value;
	int64_t next;

	if (reader->ops->cursor_get(reader, conn.id, &arena, &value, next_ms != NULL ? next_ms : &next, NULL) < 0)
		return -1;
	return atoi(cs_arena_strndup(&arena, value.ptr, value.len));
}

#define CONVERTED                                                                                                      \
	"{\"event\":\"lead.converted\",\"match\":[{\"type\":\"contact\",\"id\":\"51\"}],\"records\":[{\"type\":\"job\","   \
	"\"id\":\"j1\"}],\"dedupe\":\"c1\"}"

/* ---- webhooks */

START_TEST(what_is_kept_before_the_start_is_handled)
{
	struct cs_hook_row row = { .crm = "teller", .conn_id = conn.id, .dedupe = { 1 }, .received_ms = NOW, .due_ms = NOW,
		.headers = "{\"x\":\"y\"}", .body = bytes("{\"emit\":[" CONVERTED "]}") };

	ok(store->ops->begin(store, &err));
	ok(store->ops->hook_insert(store, &row, &err));
	ok(store->ops->commit(store, &err));
	start_daemon();
	wait_for(events() == 1);
	ck_assert_int_eq(hooks_left(), 0);
	ck_assert_int_eq(record("job", "j1"), delivery);
}
END_TEST

START_TEST(the_same_happening_in_two_messages_is_reported_once)
{
	start_daemon();
	keep_hook(1, "{\"emit\":[" CONVERTED "]}");
	keep_hook(2, "{\"emit\":[" CONVERTED ",{\"event\":\"job.paid\",\"match\":[{\"type\":\"job\",\"id\":\"j1\"}]}]}");
	wait_for(hooks_left() == 0);
	ck_assert_int_eq(events(), 2);
}
END_TEST

START_TEST(many_messages_of_one_connection_are_all_handled)
{
	start_daemon();
	for (int i = 1; i <= 12; i++)
		keep_hook((uint8_t)i, cs_arena_printf(&arena,
		    "{\"emit\":[{\"event\":\"lead.updated\",\"match\":[{\"type\":\"contact\",\"id\":\"51\"}],\"dedupe\":\"%d\"}]}", i));
	wait_for(hooks_left() == 0);
	ck_assert_int_eq(events(), 12);
}
END_TEST

START_TEST(a_failure_is_tried_again_later_and_later)
{
	struct cs_hook_row row;

	start_daemon();
	keep_hook(1, "{\"do\":\"retry\",\"emit\":[" CONVERTED "]}");
	wait_for(hooks_due(0, NULL) == 0);
	ck_assert_int_eq(hooks_due(30 * CS_SECOND_MS, &row), 1);
	ck_assert_int_eq(row.attempts, 1);
	move_clock(31 * CS_SECOND_MS);
	wait_for(hooks_due(0, NULL) == 0);
	ck_assert_int_eq(hooks_due(30 * CS_SECOND_MS, NULL), 0);
	ck_assert_int_eq(hooks_due(60 * CS_SECOND_MS, &row), 1);
	ck_assert_int_eq(row.attempts, 2);
	ck_assert_int_eq(events(), 0); /* what a failed call emitted does not count */
	move_clock(8 * CS_DAY_MS);
	wait_for(hooks_left() == 0); /* once more, and then it is given up */
}
END_TEST

START_TEST(a_refused_message_is_done_with)
{
	start_daemon();
	keep_hook(1, "{\"do\":\"reject\",\"emit\":[" CONVERTED "]}");
	wait_for(hooks_left() == 0);
	ck_assert_int_eq(events(), 0);
}
END_TEST

START_TEST(a_handler_may_change_nothing_at_the_crm)
{
	start_daemon();
	keep_hook(1, "{\"do\":\"change\",\"emit\":[" CONVERTED "]}");
	wait_for(hooks_left() == 0);
	ck_assert_int_eq(events(), 0);
}
END_TEST

START_TEST(a_dead_grant_holds_the_connection_and_keeps_the_message)
{
	struct cs_hook_row row;

	start_daemon();
	keep_hook(1, "{\"do\":\"reauth\"}");
	wait_for(state() == CS_CONN_NEEDS_REAUTH);
	ck_assert_int_eq(hooks_left(), 1);
	move_clock(CS_MINUTE_MS);
	wait_for(hooks_due(0, NULL) == 0);
	ck_assert_int_eq(hooks_due(CS_DAY_MS, &row), 1);
	ck_assert_int_eq(row.attempts, 1); /* not tried meanwhile */
}
END_TEST

/* `when`: "" for none. */
static void
keep_goodbye(uint8_t key, bool verified, const char *when)
{
	struct change c = { .row = { .crm = "teller", .conn_id = conn.id, .dedupe = { key }, .received_ms = cs_now_ms(&clock_),
		.due_ms = cs_now_ms(&clock_), .is_verified = verified, .headers = "{}" } };

	c.row.body = bytes(cs_arena_printf(&arena, "{\"kind\":\"GOODBYE\",\"when\":\"%s\"}", when));
	change(&c);
}

START_TEST(a_customer_who_disconnects_ends_the_connection)
{
	start_daemon();
	keep_goodbye(1, true, "");
	wait_for(state() == CS_CONN_NEEDS_REAUTH);
	ck_assert_int_eq(hooks_left(), 0);
}
END_TEST

START_TEST(who_only_says_to_be_the_crm_ends_nothing)
{
	start_daemon();
	keep_goodbye(1, false, "");
	wait_for(hooks_left() == 0);
	ck_assert_int_eq(state(), CS_CONN_CONNECTED);
}
END_TEST

START_TEST(an_old_goodbye_does_not_end_what_was_connected_since)
{
	char when[CS_TIME_TEXT];

	start_daemon();
	cs_time_format(cs_now_ms(&clock_), when);
	move_clock(CS_MINUTE_MS);
	set_state(CS_CONN_PAUSED);
	keep_goodbye(1, true, "");
	wait_for(hooks_left() == 0);
	ck_assert_int_eq(state(), CS_CONN_PAUSED);
	set_state(CS_CONN_CONNECTED);
	keep_goodbye(2, true, when);
	wait_for(hooks_left() == 0);
	ck_assert_int_eq(state(), CS_CONN_CONNECTED);
	keep_goodbye(3, true, "");
	wait_for(state() == CS_CONN_NEEDS_REAUTH);
}
END_TEST

START_TEST(a_limit_of_every_request_counts_beside_its_own)
{
	struct cs_hook_row row;

	start_daemon();
	for (uint8_t i = 1; i <= 3; i++) { /* as many as a day has, all refused at the port */
		keep_hook(i, "{\"do\":\"ask\"}");
		wait_for(hooks_due(0, NULL) == 0);
	}
	keep_hook(4, "{\"do\":\"ask\"}");
	wait_for(hooks_due(0, NULL) == 0);
	ck_assert_int_eq(hooks_due(CS_HOUR_MS, NULL), 3);
	ck_assert_int_eq(rows_within(9 * CS_HOUR_MS, 4, &row), 1);
	ck_assert_int_eq(row.attempts, 0); /* it was told to wait */
}
END_TEST

START_TEST(messages_of_a_paused_connection_wait)
{
	start_daemon();
	set_state(CS_CONN_PAUSED);
	keep_hook(1, "{\"emit\":[" CONVERTED "]}");
	wait_for(hooks_due(0, NULL) == 0);
	ck_assert_int_eq(events(), 0);
	set_state(CS_CONN_CONNECTED);
	move_clock(5 * CS_MINUTE_MS);
	wait_for(events() == 1);
	ck_assert_int_eq(hooks_left(), 0);
}
END_TEST

START_TEST(what_is_no_event_is_left_out_and_the_rest_counts)
{
	cs_log_init(&(struct cs_log_conf){ .level = CS_LOG_ERROR, .fd = -1 });
	start_daemon();
	keep_hook(1, "{\"emit\":[{\"event\":\"alert.raised\"},5," CONVERTED "]}");
	wait_for(events() == 1);
	ck_assert_int_eq(hooks_left(), 0);
}
END_TEST

/* ---- stopping in the middle */

static int
silent_listener(unsigned *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void
keep_before_start(int64_t conn_id, uint8_t key, const char *body)
{
	struct cs_hook_row row = { .crm = "teller", .conn_id = conn_id, .dedupe = { key }, .received_ms = NOW, .due_ms = NOW,
		.headers = "{}", .body = bytes(body) };

	ok(store->ops->begin(store, &err));
	ok(store->ops->hook_insert(store, &row, &err));
	ok(store->ops->commit(store, &err));
}

START_TEST(a_connection_with_a_large_backlog_holds_up_no_other)
{
	char settings[100];
	unsigned port;
	int fd = silent_listener(&port);
	struct cs_conn_row other;

	snprintf(settings, sizeof(settings), "base_url = \"http://127.0.0.1:%u\";", port);
	prepare_anew(settings);
	other = add_connection("teller", "other", "");
	for (uint8_t i = 1; i <= 200; i++) /* the first of them is never answered */
		keep_before_start(conn.id, i, "{\"do\":\"ask\"}");
	keep_before_start(other.id, 201, "{}");
	start_daemon();
	wait_for(rows_of(other.id) == 0);
	ck_assert_int_eq(rows_of(conn.id), 16); /* as many as were asked for */
	stop_daemon();
	close(fd);
}
END_TEST

START_TEST(what_is_under_way_at_a_stop_is_handled_after_the_next_start)
{
	unsigned port;
	int fd = silent_listener(&port), client;
	char settings[100];

	snprintf(settings, sizeof(settings), "base_url = \"http://127.0.0.1:%u\";", port);
	prepare_anew(settings);
	start_daemon();
	keep_hook(1, "{\"do\":\"ask\"}");
	ck_assert_int_ge(client = accept(fd, NULL, NULL), 0); /* the request is on its way */
	stop_daemon();
	close(client);
	close(fd);
	open_store();
	reader = store;
	ck_assert_int_eq(hooks_due(0, NULL), 1);
}
END_TEST

/* ---- polls */

START_TEST(a_connection_is_polled_at_once_and_then_at_its_interval)
{
	int64_t next;

	prepare_anew("poll = true;");
	start_daemon();
	wait_for(cursor(&next) == 1);
	ck_assert_int_ge(next, NOW + 270 * CS_SECOND_MS);
	ck_assert_int_le(next, NOW + 330 * CS_SECOND_MS);
	move_clock(331 * CS_SECOND_MS);
	wait_for(cursor(NULL) == 2);
	ck_assert_int_eq(hooks_left(), 2); /* both jobs wait for their leads */
}
END_TEST

START_TEST(what_a_poll_told_too_early_is_reported_when_the_lead_is_known)
{
	struct change c = { .what = RECORD };

	prepare_anew("poll = true;");
	start_daemon();
	wait_for(cursor(NULL) == 1);
	ck_assert_int_eq(hooks_left(), 1);
	change(&c);
	move_clock(CS_MINUTE_MS);
	wait_for(events() == 1);
	ck_assert_int_eq(hooks_left(), 0);
}
END_TEST

START_TEST(a_poll_that_is_switched_off_or_held_does_not_happen)
{
	start_daemon(); /* poll is false by default */
	keep_hook(1, "{\"emit\":[" CONVERTED "]}");
	wait_for(events() == 1);
	move_clock(CS_DAY_MS);
	keep_hook(2, "{}");
	wait_for(hooks_left() == 0);
	ck_assert_int_eq(cursor(NULL), -1);
	stop_daemon();
	prepare_anew("poll = true;");
	ok(store->ops->begin(store, &err));
	ok(store->ops->conn_state(store, conn.id, CS_CONN_PAUSED, "", NOW, &err));
	ok(store->ops->commit(store, &err));
	start_daemon();
	keep_hook(1, "{}");
	wait_for(hooks_due(0, NULL) == 0);
	ck_assert_int_eq(cursor(NULL), -1);
	set_state(CS_CONN_CONNECTED);
	wait_for(cursor(NULL) == 1);
}
END_TEST

START_TEST(a_poll_that_fails_leaves_no_trace)
{
	prepare_anew("poll = true; broken = true;");
	start_daemon();
	keep_hook(1, "{\"emit\":[" CONVERTED "]}"); /* goes on meanwhile */
	wait_for(events() == 1);
	move_clock(CS_HOUR_MS);
	keep_hook(2, "{}");
	wait_for(hooks_left() == 0);
	ck_assert_int_eq(cursor(NULL), -1);
}
END_TEST

/* ---- over HTTP */

static char *
ask(unsigned port, const char *method, const char *path, const char *body)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };
	char *text = cs_arena_printf(&arena, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", method, path,
	    strlen(body), body);
	char *out = cs_arena_alloc(&arena, 8192);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t n = 0;
	ssize_t k;

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	while (n < 8191 && (k = read(fd, out + n, 8191 - n)) > 0)
		n += (size_t)k;
	close(fd);
	return out;
}

static int
status_of(const char *answer)
{
	return strlen(answer) > 12 ? atoi(answer + 9) : 0;
}

START_TEST(a_message_is_answered_as_declared_once_it_is_kept_and_then_handled)
{
	struct cs_http_server_conf sc = { .listen = "127.0.0.1:0", .handle = cs_hooks_handle, .on_headers = cs_hooks_on_headers };
	struct cs_http_server *server;
	const char *path = cs_arena_printf(&arena, "/hooks/teller/%s", conn.public_id), *answer;
	unsigned port;

	start_daemon();
	sc.ctx = hooks;
	ck_assert_ptr_nonnull(server = cs_http_server_start(&sc, &err));
	port = cs_http_server_port(server);
	answer = ask(port, "POST", path, "{\"id\":\"e1\",\"emit\":[" CONVERTED "]}");
	ck_assert_int_eq(status_of(answer), 202);
	ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\nthanks"));
	move_clock(0); /* told without waiting for the next second */
	wait_for(events() == 1);
	ck_assert_int_eq(status_of(ask(port, "POST", path, "{\"id\":\"e1\",\"emit\":[" CONVERTED "]}")), 202);
	ck_assert_int_eq(hooks_left(), 0); /* known already */
	ck_assert_int_eq(status_of(ask(port, "POST", path, "{\"foo\":\"bar\"}")), 202);
	ck_assert_int_eq(status_of(ask(port, "GET", path, "")), 202);
	ck_assert_int_eq(status_of(ask(port, "POST", "/hooks/teller/conn_000000000000000000000000", "{\"id\":1}")), 404);
	ck_assert_int_eq(status_of(ask(port, "POST", "/hooks/nobody", "{\"id\":1}")), 404);
	ck_assert_int_eq(status_of(ask(port, "POST", "/other", "{\"id\":1}")), 404);
	ck_assert_int_eq(hooks_left(), 0);
	ck_assert_int_eq(events(), 1);
	cs_http_server_stop(server, 100);
	cs_http_server_free(server);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, what_is_kept_before_the_start_is_handled);
	tcase_add_test(tc, the_same_happening_in_two_messages_is_reported_once);
	tcase_add_test(tc, many_messages_of_one_connection_are_all_handled);
	tcase_add_test(tc, a_failure_is_tried_again_later_and_later);
	tcase_add_test(tc, a_refused_message_is_done_with);
	tcase_add_test(tc, a_handler_may_change_nothing_at_the_crm);
	tcase_add_test(tc, a_dead_grant_holds_the_connection_and_keeps_the_message);
	tcase_add_test(tc, a_customer_who_disconnects_ends_the_connection);
	tcase_add_test(tc, who_only_says_to_be_the_crm_ends_nothing);
	tcase_add_test(tc, an_old_goodbye_does_not_end_what_was_connected_since);
	tcase_add_test(tc, a_limit_of_every_request_counts_beside_its_own);
	tcase_add_test(tc, messages_of_a_paused_connection_wait);
	tcase_add_test(tc, what_is_no_event_is_left_out_and_the_rest_counts);
	tcase_add_test(tc, a_connection_with_a_large_backlog_holds_up_no_other);
	tcase_add_test(tc, what_is_under_way_at_a_stop_is_handled_after_the_next_start);
	tcase_add_test(tc, a_connection_is_polled_at_once_and_then_at_its_interval);
	tcase_add_test(tc, what_a_poll_told_too_early_is_reported_when_the_lead_is_known);
	tcase_add_test(tc, a_poll_that_is_switched_off_or_held_does_not_happen);
	tcase_add_test(tc, a_poll_that_fails_leaves_no_trace);
	tcase_add_test(tc, a_message_is_answered_as_declared_once_it_is_kept_and_then_handled);
}

int
main(void)
{
	return run_case("handle", set_up, tear_down, fill);
}
