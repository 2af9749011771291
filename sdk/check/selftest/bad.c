/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bad.c - a good plugin that commits one crime, so that the checker is seen to notice. The setting "crime" says which.
 *
 * Without a crime it looks for the caller, creates a record, keeps its receipt, adds a note, and reports what a hook says.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cs/helpers.h>

static int
is(const struct csh *h, const char *crime)
{
	return strcmp(csh_setting(h, "crime"), crime) == 0;
}

/* ---- as a guest in a process */
static char kept[64];            /* state that another call overwrites */
static struct cs_call *old_call; /* of an earlier one */
static char old_marker[128];
static unsigned counter;
static void *volatile nowhere;

static int __attribute__((noinline))
recurse(int n)
{
	volatile char frame[1024];

	frame[0] = (char)n;
	return n < 1000000 ? recurse(n + 1) + frame[0] : frame[0];
}

static int __attribute__((noinline))
large_frame(void)
{
	volatile char frame[300 << 10];

	for (size_t i = sizeof(frame); i > 0; i -= 4096)
		frame[i - 1] = 1;
	return frame[0];
}

static void *
thread(void *arg)
{
	return arg;
}

static void
start_thread(void)
{
	pthread_t id;

	pthread_create(&id, NULL, thread, NULL);
}

/* As if malloc never failed. */
static void
fill(void *p, size_t n)
{
	memset(p, 1, n);
	nowhere = p;
}

static void
misbehave(const struct csh *h)
{
	static char *const no_arguments[] = { NULL };

	if (is(h, "segfault"))
		*(volatile int *)nowhere = 1;
	if (is(h, "abort"))
		abort();
	if (is(h, "endless loop"))
		for (;;)
			counter++;
	if (is(h, "endless recursion"))
		recurse(0);
	if (is(h, "large frame"))
		large_frame();
	if (is(h, "leak"))
		nowhere = malloc(1000);
	while (is(h, "leak without end"))
		fill(malloc(1 << 20), 1 << 20);
	if (is(h, "exit"))
		_exit(0);
	if (is(h, "print"))
		(void)!write(1, "hello\n", 6);
	if (is(h, "garbage on the socket"))
		(void)!write(3, "garbage\n", 8);
	if (is(h, "close the socket"))
		close(3);
	if (is(h, "fork"))
		(void)!fork();
	if (is(h, "thread"))
		start_thread();
	if (is(h, "exec"))
		execve("/bin/true", no_arguments, no_arguments);
	if (is(h, "socket"))
		socket(AF_INET, SOCK_STREAM, 0);
	if (is(h, "open"))
		open("/etc/passwd", O_RDONLY);
	if (is(h, "kill"))
		kill(getppid(), SIGTERM);
	if (is(h, "ptrace"))
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	if (is(h, "mount"))
		mount("none", "/mnt", "tmpfs", 0, NULL);
}

/* ---- map */
static int32_t
bad_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };

	(void)inst;
	if (is(&h, "segfault in map"))
		*(volatile int *)nowhere = 1;
	if (is(&h, "map asks the time"))
		in->host->now_ms(call);
	if (is(&h, "map makes nothing"))
		return CS_DONE;
	if (is(&h, "map counts"))
		return in->host->emit(call, csh_bytes(csh_printf(&h, "{\"n\":%u}", ++counter)));
	if (is(&h, "map emits no JSON"))
		return in->host->emit(call, csh_bytes("hello"));
	return in->host->emit(call, in->lead->raw);
}

/* ---- push */
static int32_t
request(const struct csh *h, struct cs_http_req *req, struct cs_http_res *res)
{
	return h->host->http(h->call, req, res);
}

/* Crimes of a request: each spoils the look-up. */
static void
spoil(const struct csh *h, struct cs_http_req *req, struct cs_header *header)
{
	if (is(h, "undeclared step"))
		req->step = "other";
	if (is(h, "undeclared mutation"))
		req->mutates = 1;
	if (is(h, "undeclared limit"))
		req->limit_class = "other";
	if (is(h, "odd look-up"))
		req->looks_for = "find";
	if (is(h, "foreign host"))
		req->url = "https://evil.example.net/x";
	if (is(h, "foreign host by path"))
		req->url = "//evil.example.net/x";
	if (is(h, "odd method"))
		req->method = "get";
	if (is(h, "url not encoded"))
		req->query = "name=two words";
	if (is(h, "no struct_size"))
		req->struct_size = 0;
	*header = (struct cs_header){ "X-A", is(h, "header with line feed") ? "1\r\nX-B: 2" : "1" };
	if (is(h, "header of the core"))
		header->name = "Content-Length";
	if (is(h, "marker of another call") && *old_marker)
		header->value = old_marker;
	req->headers = header;
	req->n_headers = 1;
}

static int32_t
find(const struct csh *h, int in_doubt, const char **id)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/people");
	struct cs_http_res res = CS_RES_INIT;
	struct cs_header header;
	CSH_JSON answer = NULL;
	int32_t rc;

	req.looks_for = in_doubt ? "send" : NULL;
	spoil(h, &req, &header);
	if ((rc = request(h, &req, &res)) != CS_DONE)
		return rc;
	if (is(h, "segfault between requests"))
		*(volatile int *)nowhere = 1;
	while (is(h, "endless requests") && h->host->cancelled(h->call) == 0 && counter++ < 300)
		request(h, &req, &res);
	answer = csh_json_parse(res.body);
	if (res.status != 404 && !is(h, "blind create")) {
		if (res.status >= 300)
			return csh_refused(h, &res, "not found");
		if ((rc = csh_need_list(h, answer, "/people")) != CS_DONE)
			return rc;
	}
	*id = csh_printf(h, "%s", csh_get(answer, "/people/0/id"));
	return CS_DONE;
}

static int32_t
create(const struct csh *h, const struct cs_delivery *d, const char **id)
{
	struct cs_http_req req = CS_REQ("send", "POST", "/people");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	req.mutates = 1;
	req.body = is(h, "broken body") ? csh_bytes("{\"name\":\"") : d->document;
	rc = request(h, &req, &res);
	if (rc != CS_DONE)
		return rc;
	if (is(h, "sent at once again"))
		request(h, &req, &res);
	if (is(h, "personal text") && res.status >= 300)
		return h->host->fail(h->call, CS_REJECT, "%s was refused", d->lead->contact->first_name);
	if (res.status >= 300)
		return csh_refused(h, &res, "refused");
	answer = csh_json_parse(res.body);
	if ((rc = csh_need(h, answer, "/id")) == CS_DONE)
		*id = csh_printf(h, "%s", csh_get(answer, "/id"));
	return rc;
}

static int32_t
note(const struct csh *h, const char *id)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	int32_t rc;

	if (*csh_receipt(h, "note"))
		return CS_DONE;
	if ((rc = csh_write(h, "note", "PUT", csh_printf(h, "/people/%s/note", csh_url(h, id)), body, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status < 300)
		csh_receipt_put(h, "note", "written");
	else if (!is(h, "refusal swallowed"))
		h->host->warn(h->call, "the note was refused");
	return CS_DONE;
}

static void
ask_for_what_is_not_there(const struct csh *h)
{
	if (is(h, "undeclared setting"))
		h->host->setting(h->call, "other");
	if (is(h, "undeclared fact"))
		h->host->fact(h->call, "other");
	if (is(h, "undeclared secret"))
		h->host->secret_ref(h->call, "other", CS_ENC_RAW);
	if (is(h, "undeclared receipt"))
		h->host->receipt_put(h->call, "other", csh_bytes("1"));
}

static void
keep_what_is_not_ours(const struct csh *h)
{
	struct cs_bytes marker = h->host->secret_ref(h->call, "token", CS_ENC_RAW);

	if (is(h, "calling back after return") && old_call)
		h->host->log(old_call, CS_PRIO_INFO, "late");
	old_call = h->call;
	if (!*old_marker)
		snprintf(old_marker, sizeof(old_marker), "%s", marker.ptr);
}

static int32_t
push_lead(const struct csh *h, const struct cs_delivery *d)
{
	int in_doubt = csh_in_doubt(h, "send") && !is(h, "doubt ignored");
	const char *id = is(h, "receipts ignored") ? "" : csh_receipt(h, "send");
	int32_t rc;

	if (*id)
		return note(h, id);
	snprintf(kept, sizeof(kept), "%s", d->lead->contact->first_name);
	if ((rc = find(h, in_doubt, &id)) != CS_DONE)
		return rc;
	if (is(h, "static state") && strcmp(kept, d->lead->contact->first_name) != 0)
		return CS_REJECT;
	if (!*id && (rc = create(h, d, &id)) != CS_DONE)
		return is(h, "doubt swallowed") ? CS_DONE : rc;
	csh_receipt_put(h, "send", is(h, "empty receipt") ? "" : id);
	h->host->record(h->call, "person", id, NULL);
	return note(h, id);
}

static int32_t
bad_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	const struct csh h = { d->host, call };

	(void)inst;
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	misbehave(&h);
	ask_for_what_is_not_there(&h);
	keep_what_is_not_ours(&h);
	if (is(&h, "personal log"))
		d->host->log(call, CS_PRIO_INFO, "called %s", d->lead->contact->phone);
	return is(&h, "no outcome") ? 99 : push_lead(&h, d);
}

/* ---- hooks */
static int32_t
bad_hook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	const struct csh h = { w->host, call };
	struct cs_http_req req = CS_REQ("send", "POST", "/people");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON message = csh_json_parse(w->body);
	CSH_JSON event = NULL;
	const char *id = csh_get(message, "/id");

	(void)inst;
	if (w->kind != CS_HOOK_RECEIVED)
		return CS_UNSUPPORTED;
	if (is(&h, "segfault in hook"))
		*(volatile int *)nowhere = 1;
	req.mutates = 1;
	if (is(&h, "hook mutates"))
		return w->host->http(call, &req, &res);
	if (strcmp(csh_get(message, "/what"), "paid") != 0 || !*id)
		return CS_DONE;
	event = csh_event(is(&h, "broken event") ? "person.paid" : "job.paid", csh_get(message, "/at"),
	    is(&h, "changing identity") ? csh_time(&h, w->host->now_ms(call)) : csh_printf(&h, "paid:%s", id));
	csh_event_record(event, "person", id);
	return csh_emit(&h, event);
}

CS_PLUGIN_V1(.name = "bad", .version = "0.1.0", .map = bad_map, .push = bad_push, .handle_webhook = bad_hook)
