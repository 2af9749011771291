/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.c - see fixture.h */
#include "config.h"
#include "fixture.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "auth/signature.h"
#include "deliver/call/check.h"
#include "deliver/events.h"
#include "deliver/farewell.h"
#include "vault/vault.h"
#include "util/text.h"

struct fixture fx;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what the engine was told */

/* ---- the engine, played */

static struct told *
note(const char *what, int64_t conn_id)
{
	struct told *t = &fx.told[fx.n_told++];

	ck_assert_uint_le(fx.n_told, CS_ARRAY_LEN(fx.told));
	memset(t, 0, sizeof(*t));
	snprintf(t->what, sizeof(t->what), "%s", what);
	t->conn_id = conn_id;
	return t;
}

void
cs_engine_post_backlog(struct cs_engine *e, int64_t conn_id, const char *crm, enum cs_lane lane, int64_t n, int64_t earliest_ms)
{
	struct told *t;

	(void)e;
	pthread_mutex_lock(&lock);
	t = note("backlog", conn_id);
	snprintf(t->crm, sizeof(t->crm), "%s", crm);
	t->lane = lane;
	t->n = n;
	t->earliest_ms = earliest_ms;
	pthread_mutex_unlock(&lock);
}

void
cs_engine_post_conn(struct cs_engine *e, int64_t conn_id, bool retry_now)
{
	(void)e;
	pthread_mutex_lock(&lock);
	note("conn", conn_id)->retry_now = retry_now;
	pthread_mutex_unlock(&lock);
}

void
cs_engine_post_leave(struct cs_engine *e, int64_t conn_id, void (*then)(void *ctx), void *ctx)
{
	(void)e;
	pthread_mutex_lock(&lock);
	note("leave", conn_id);
	pthread_mutex_unlock(&lock);
	then(ctx);
}

void
cs_farewell_post(struct cs_engine *e, struct cs_farewell *f)
{
	(void)e;
	pthread_mutex_lock(&lock);
	note("leave", f->conn_id);
	pthread_mutex_unlock(&lock);
	f->webhooks = CS_UNDO_DONE;
	f->grant = CS_UNDO_LEFT;
	f->done(f);
}

/* The CRM is down. */
void
cs_engine_post_ask(struct cs_engine *e, struct cs_ask *a)
{
	(void)e;
	a->said = CS_SAID_LATER;
	snprintf(a->text, sizeof(a->text), "the CRM is down");
	a->done(a);
}

void
cs_engine_post_check(struct cs_engine *e, struct cs_check *c)
{
	(void)e;
	c->said = CS_SAID_BAD_KEY;
	c->json = cs_xstrdup("{\"said\":\"bad_key\"}");
	c->done(c);
}

bool
cs_engine_post(struct cs_engine *e, struct cs_msg *m)
{
	pthread_mutex_lock(&lock);
	note("wake", 0);
	pthread_mutex_unlock(&lock);
	m->handle(e, m);
	return true;
}

/* Nothing goes out by itself, and nobody listens to events. */
void
cs_engine_post_job(struct cs_engine *e CS_UNUSED, struct cs_job *j CS_UNUSED)
{
	ck_abort_msg("a job");
}

int
cs_events_tell_dead(const struct cs_events_dead *d CS_UNUSED, struct cs_accept **list CS_UNUSED,
                    const struct cs_accept_env *env CS_UNUSED, struct cs_store *s CS_UNUSED, int64_t now_ms CS_UNUSED,
                    struct cs_err *err CS_UNUSED)
{
	ck_abort_msg("an event");
}

void
cs_events_told(struct cs_accept *list CS_UNUSED, const struct cs_accept_env *env CS_UNUSED, int rc CS_UNUSED)
{
}

void
cs_events_forget(struct cs_accept **list CS_UNUSED, const struct cs_accept_env *env CS_UNUSED)
{
}

/* Maps by wrapping the lead; a lead of +1000... is refused. */
void
cs_engine_post_call(struct cs_engine *e, struct cs_engine_call *c)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf out = CS_BUF_INIT(0);
	bool bad = strncmp(c->lead->doc->view.contact->phone, "+1000", 5) == 0;

	(void)e;
	if (!bad)
		cs_buf_printf(&out, "{\"connection\":%lld,\"phone\":\"%s\"}", (long long)c->conn_id, c->lead->doc->view.contact->phone);
	c->done(c, bad ? CS_REJECT : CS_DONE, bad ? "no such number" : "", &out);
}

size_t
cs_engine_plugins(struct cs_engine *e, struct cs_plugin_info *out, size_t max)
{
	static struct cs_manifest *m;
	struct cs_err err = { 0 };
	static const char text[] =
	    "{\"manifest\":1,\"name\":\"acme\",\"version\":\"1.2\",\"title\":\"Acme\",\"base_url\":\"https://api.acme.test\","
	    "\"hosts\":[\"api.acme.test\"],\"settings\":[{\"key\":\"base_url\",\"type\":\"url\",\"label\":\"Address\",\"advanced\":true},{\"key\":\"stage\",\"type\":\"choice\",\"label\":\"Stage\","
	    "\"choices\":[{\"value\":\"new\",\"label\":\"New\"}],\"default\":\"new\"}],\"secrets\":[{\"name\":\"token\",\"label\":"
	    "\"Token\",\"required\":true}],\"auth\":{\"kind\":\"static\"},\"limits\":[{\"class\":\"api\",\"per\":\"connection\","
	    "\"count\":10,\"window_ms\":1000}],\"steps\":[{\"name\":\"find\"},{\"name\":\"create\",\"mutates\":true,\"on_doubt\":"
	    "\"look\",\"lookup_lag_ms\":5000}]}";

	(void)e;
	ck_assert_uint_ge(max, 2);
	if (m == NULL && cs_manifest_parse(text, sizeof(text) - 1, &m, &err) < 0)
		ck_abort_msg("%s", err.msg);
	out[0] = (struct cs_plugin_info){ .name = "acme", .manifest = m, .died_over = "ev-7",
		.process = { .state = CS_REMOTE_UP, .pid = 4711, .landlock = 7, .seccomp = 2, .memory = 1 << 28, .starts = 3, .deaths = 2,
			.died_of = "SIGSEGV in push+0x12 (acme.so)" } };
	out[1] = (struct cs_plugin_info){ .name = "broken", .error = "could not open it" };
	return 2;
}

struct cs_manifest *
cs_engine_manifest(struct cs_engine *e, const char *crm)
{
	struct cs_plugin_info v[2];

	cs_engine_plugins(e, v, 2);
	return strcmp(crm, "acme") == 0 ? cs_manifest_ref(v[0].manifest) : NULL;
}

void
cs_engine_plugins_free(struct cs_plugin_info *v, size_t n)
{
	(void)v, (void)n;
}

/* acme goes, broken does not. */
void
cs_engine_post_plugin_reload(struct cs_engine *e, struct cs_engine_reload *r)
{
	(void)e;
	if (strcmp(r->name, "acme") == 0)
		r->done(r, 0, "1.3");
	else if (strcmp(r->name, "broken") == 0)
		r->done(r, CS_EINVAL, "no entry symbol");
	else
		r->done(r, CS_ENOTFOUND, "no such plugin is enabled");
}

int64_t
cs_engine_idle_ms(struct cs_engine *e)
{
	(void)e;
	return 0;
}

size_t
told(const char *what, size_t want)
{
	size_t n = 0;

	for (int tries = 0; tries < 500; tries++) {
		n = 0;
		pthread_mutex_lock(&lock);
		for (size_t i = 0; i < fx.n_told; i++)
			n += strcmp(fx.told[i].what, what) == 0;
		pthread_mutex_unlock(&lock);
		if (n >= want)
			break;
		usleep(2000);
	}
	return n;
}

struct told *
told_nth(const char *what, size_t nth)
{
	for (size_t i = 0; i < fx.n_told; i++)
		if (strcmp(fx.told[i].what, what) == 0 && nth-- == 0)
			return &fx.told[i];
	ck_abort_msg("the engine was not told that much");
}

/* ---- set-up */

static void
fatal(const struct cs_err *err)
{
	fprintf(stderr, "fatal: %s\n", err->msg);
	abort();
}

void
setup(void)
{
	const struct cs_store_conf sc = { .path = ":memory:" };
	const char *tmp = getenv("TMPDIR");
	struct cs_err err = { 0 };

	memset(&fx, 0, sizeof(fx));
	cs_arena_init(&fx.mem);
	cs_clock_init_fixed(&fx.clock, NOW, 1);
	fx.conf = cs_conf_new("test.conf");
	fx.conf->replay.automatic = true;
	ck_assert_msg(cs_store_open_sqlite(&sc, &fx.store, &err) == 0, "%s", err.msg);
	put_key(ADMIN, "admin", "", 0);
	put_key(READER, "read", "", 0);
	put_key(BOUND, "admin", "acct_1", 0);
	snprintf(fx.dir, sizeof(fx.dir), "%.40s/api-XXXXXX", tmp == NULL ? "/tmp" : tmp);
	ck_assert_ptr_nonnull(mkdtemp(fx.dir));
	snprintf(fx.socket, sizeof(fx.socket), "%s/control.sock", fx.dir);
}

static void
on_admin(void *ctx, struct cs_http_request *req)
{
	cs_api_handle(ctx, req, false);
}

static void
on_control(void *ctx, struct cs_http_request *req)
{
	cs_api_handle(ctx, req, true);
}

static bool
any_slash(void *ctx CS_UNUSED, const struct cs_http_request *req CS_UNUSED)
{
	return true;
}

void
serve(void)
{
	CS_CLEANUP(cs_freep) char *control = cs_xasprintf("unix:%s", fx.socket), *key = cs_xasprintf("%s/master.key", fx.dir);
	struct cs_http_server_conf c = { .listen = "127.0.0.1:0", .handle = on_admin, .slash_in = any_slash,
		.ctx = &fx.api };
	struct cs_err err = { 0 };

	ok(fx.store->ops->reader(fx.store, &fx.look, &err));
	ok(fx.store->ops->reader(fx.store, &fx.api.reader, &err));
	ok(cs_writer_start(fx.store, &fx.clock, fatal, &fx.writer, &err));
	fx.api.conf = fx.conf;
	fx.api.clock = &fx.clock;
	fx.api.writer = fx.writer;
	fx.api.engine = (struct cs_engine *)(void *)&fx; /* never looked into: the functions are ours */
	fx.api.slots = &fx.slots;
	fx.api.started_ms = NOW - 5000;
	ok(cs_vault_generate(key, &err));
	ok(cs_vault_open(key, &fx.api.vault, &err));
	unlink(key);
	cs_api_init(&fx.api);
	fx.server = cs_http_server_start(&c, &err);
	ck_assert_msg(fx.server != NULL, "%s", err.msg);
	c.listen = control;
	c.handle = on_control;
	fx.control = cs_http_server_start(&c, &err);
	ck_assert_msg(fx.control != NULL, "%s", err.msg);
}

static void
forget_answer(void)
{
	free(fx.head);
	json_object_put(fx.json);
	fx.head = fx.body = NULL;
	fx.json = NULL;
}

void
teardown(void)
{
	if (fx.server != NULL) {
		cs_http_server_stop(fx.server, 2000);
		cs_http_server_stop(fx.control, 2000);
		cs_api_close(&fx.api);
		cs_writer_stop(fx.writer, false);
		cs_http_server_free(fx.server);
		cs_http_server_free(fx.control);
		cs_vault_close(fx.api.vault);
		cs_api_fini(&fx.api);
		cs_store_close(fx.api.reader);
		cs_store_close(fx.look);
	} else
		cs_store_close(fx.store);
	forget_answer();
	unlink(fx.socket);
	rmdir(fx.dir);
	cs_conf_unref(fx.conf);
	cs_arena_fini(&fx.mem);
}

/* ---- rows */

#define IN_TX(call) \
	do { \
		struct cs_err err = { 0 }; \
		ck_assert_int_eq(fx.store->ops->begin(fx.store, &err), 0); \
		ck_assert_msg((call) >= 0, "%s", err.msg); \
		ck_assert_int_eq(fx.store->ops->commit(fx.store, &err), 0); \
	} while (0)

int64_t
put_conn(const char *name, const char *account, const char *crm, const char *crm_account_id, uint32_t subscribe)
{
	struct cs_conn_row c = { .name = name, .account = account, .crm = crm, .crm_account_id = crm_account_id, .label = "",
		.state_reason = "", .state_since_ms = NOW, .subscribe = subscribe, .settings = "{\"stage\":\"new\"}", .overrides = "",
		.facts = "", .timezone = "", .contacts = "" };

	IN_TX(fx.store->ops->conn_put(fx.store, &c, &err));
	return c.id;
}

const char *
event_id(int n)
{
	return cs_arena_printf(&fx.mem, "3f0c2c1e-6a0d-4d0e-9a41-%012x", (unsigned)n);
}

int64_t
put_lead(int n, const char *account, enum cs_lead_kind kind, const char *contact, const char *routing)
{
	const char *body = cs_arena_printf(
	    &fx.mem, "{\"schema_version\":\"1.0\",\"event\":\"lead.%s\",\"event_id\":\"%s\",\"timestamp_utc\":\"2026-05-26T14:32:00Z\","
	    "\"callsetter_account_id\":\"%s\",\"call\":{\"call_id\":\"call_1\",\"direction\":\"inbound\"},\"contact\":%s,"
	    "\"service_request\":{\"service_type\":\"HVAC\",\"urgency\":\"same_day\"},\"routing\":%s}",
	    kind == CS_KIND_UNQUALIFIED ? "unqualified" : "qualified", event_id(n), account, contact, routing);
	struct cs_lead_row l = { .account = account, .event = kind == CS_KIND_UNQUALIFIED ? "lead.unqualified" : "lead.qualified",
		.kind = kind, .urgency = CS_URGENCY_SAME_DAY, .received_ms = NOW - 60000, .body = { body, strlen(body) },
		.warnings = "" };

	ck_assert_int_eq(cs_uuid_parse(event_id(n), 36, l.event_id), 0);
	IN_TX(fx.store->ops->lead_insert(fx.store, &l, &err));
	return l.id;
}

int64_t
put_delivery(struct cs_delivery_row row)
{
	if (row.created_ms == 0)
		row.created_ms = NOW - 60000;
	if (row.crm == NULL)
		row.crm = "";
	IN_TX(fx.store->ops->delivery_insert(fx.store, &row, &err));
	return row.id;
}

void
put_key(const char *key, const char *scopes, const char *accounts, int64_t expires_ms)
{
	struct cs_key_row k = { .name = key, .scopes = scopes, .accounts = accounts, .created_ms = NOW, .expires_ms = expires_ms };

	cs_api_key_hash(key, strlen(key), k.hash);
	IN_TX(fx.store->ops->key_put(fx.store, &k, &err));
}

struct cs_delivery_row
row_of(int64_t id)
{
	struct cs_delivery_row row;
	struct cs_err err = { 0 };

	ok(fx.look->ops->delivery_get(fx.look, id, &fx.mem, &row, &err));
	return row;
}

/* ---- asking */

static int
connect_to(bool control)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)cs_http_server_port(fx.server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(control ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

	strncpy(un.sun_path, fx.socket, sizeof(un.sun_path) - 1);
	ck_assert_int_eq(control ? connect(fd, (struct sockaddr *)&un, sizeof(un)) : connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

static void
read_answer(int fd)
{
	struct cs_buf b = CS_BUF_INIT(0);
	char piece[4096], *end;
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		cs_buf_add(&b, piece, (size_t)n);
	forget_answer();
	ck_assert_msg(b.len > 12, "no answer came");
	fx.head = cs_buf_steal(&b, NULL);
	fx.status = atoi(fx.head + 9);
	end = strstr(fx.head, "\r\n\r\n");
	ck_assert_ptr_nonnull(end);
	end[2] = '\0';
	fx.body = end + 4;
	cs_json_parse(fx.body, strlen(fx.body), 64, &fx.json, NULL);
}

static int
ask(bool control, const char *method, const char *path, const char *headers, const char *body)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	int fd = connect_to(control);

	cs_buf_printf(&b, "%s %s HTTP/1.1\r\nConnection: close\r\n%s", method, path, headers);
	if (body != NULL)
		cs_buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
	cs_buf_adds(&b, "\r\n");
	if (body != NULL)
		cs_buf_adds(&b, body);
	ck_assert_int_eq(write(fd, b.ptr, b.len), (ssize_t)b.len);
	read_answer(fd);
	close(fd);
	return fx.status;
}

int
call_with(const char *method, const char *path, const char *headers, const char *body)
{
	return ask(false, method, path, headers, body);
}

int
call_control(const char *method, const char *path, const char *body)
{
	return ask(true, method, path, "Host: localhost\r\n", body);
}

int
call(const char *method, const char *path, const char *key, const char *body)
{
	char headers[400] = "Host: localhost\r\n";

	if (key != NULL)
		snprintf(headers, sizeof(headers), "Host: localhost\r\nAuthorization: Bearer %s\r\n", key);
	return ask(false, method, path, headers, body);
}

const char *
path_of(const char *fmt, ...)
{
	static char path[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return path;
}

/* ---- the answer */

const char *
text_at(const char *pointer)
{
	return cs_json_pointer_text(fx.json, pointer);
}

int64_t
int_at(const char *pointer)
{
	json_object *v = cs_json_pointer(fx.json, pointer);

	return json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : -1;
}

size_t
length_at(const char *pointer)
{
	json_object *v = cs_json_pointer(fx.json, pointer);

	ck_assert_msg(json_object_is_type(v, json_type_array), "no array at %s", pointer);
	return json_object_array_length(v);
}

bool
head_has(const char *line)
{
	return strstr(fx.head, line) != NULL;
}

int
run_tests(const char *name, const TTest *const *tests)
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	for (; *tests != NULL; tests++)
		tcase_add_test(tc, *tests);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
