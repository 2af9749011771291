/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poison.c - plugins that do one bad thing each, when a lead says "poison", and are well-behaved otherwise.
 *
 * Each .so is this file with -DPOISON=what_it_does. A good lead is looked for and created: two requests.
 */
#define _GNU_SOURCE
#include "tiny.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
#define MAYBE __attribute__((unused, noinline))

enum when { IN_MAP = 1, FIRST = 2, BETWEEN = 4, LAST = 8 };
struct act {
	struct cs_call *call;
	const struct cs_host_v1 *host;
	const struct cs_lead *lead;
	enum when when;
};

static volatile unsigned sink;
static volatile int *volatile nowhere = (volatile int *)16;

/* ---- bad things. Each is asked at every moment of a push, and chooses. */

static int32_t MAYBE
segv_map(const struct act *a)
{
	if (a->when == IN_MAP)
		*nowhere = 1;
	return CS_DONE;
}

static int32_t MAYBE
segv_push(const struct act *a)
{
	if (a->when == FIRST)
		*nowhere = 1;
	return CS_DONE;
}

static int32_t MAYBE
segv_between(const struct act *a)
{
	if (a->when == BETWEEN)
		*nowhere = 1;
	return CS_DONE;
}

/* After the contact was made: it must not be made again. */
static int32_t MAYBE
segv_last(const struct act *a)
{
	if (a->when == LAST)
		*nowhere = 1;
	return CS_DONE;
}

static int32_t MAYBE
abort_push(const struct act *a)
{
	if (a->when == BETWEEN)
		abort();
	return CS_DONE;
}

static int32_t MAYBE
exit_push(const struct act *a)
{
	if (a->when == BETWEEN)
		_exit(0); /* exit() would run what sanitizers do at the end, too */
	return CS_DONE;
}

static int32_t MAYBE
loop_push(const struct act *a)
{
	while (a->when == BETWEEN)
		sink++;
	return CS_DONE;
}

static int MAYBE
deeper(int n)
{
	volatile char frame[1000];

	memset((char *)frame, n, sizeof(frame));
	return frame[n % 1000] + (n >= 0 ? deeper(n + 1) : 0);
}

static int32_t MAYBE
recurse_push(const struct act *a)
{
	if (a->when == BETWEEN)
		sink = deeper(0);
	return CS_DONE;
}

/* Large, but allowed. */
static int32_t MAYBE
big_frame(const struct act *a)
{
	volatile char frame[200 << 10];

	memset((char *)frame, (int)a->when, sizeof(frame));
	sink = frame[(size_t)sink % sizeof(frame)];
	return CS_DONE;
}

static int32_t MAYBE
leak_push(const struct act *a)
{
	while (a->when == BETWEEN) {
		char *p = malloc(1 << 20);

		memset(p, 1, 1 << 20); /* as if malloc never failed */
		sink = p[7];
	}
	return CS_DONE;
}

static int32_t MAYBE
fork_push(const struct act *a)
{
	if (a->when == BETWEEN && fork() == 0)
		_exit(0);
	return CS_DONE;
}

static int32_t MAYBE
exec_push(const struct act *a)
{
	char *const argv[] = { (char *)(uintptr_t)"sh", NULL };

	if (a->when == BETWEEN)
		execve("/bin/sh", argv, NULL);
	return CS_DONE;
}

static int32_t MAYBE
socket_push(const struct act *a)
{
	if (a->when == BETWEEN)
		sink = socket(AF_INET, SOCK_STREAM, 0);
	return CS_DONE;
}

/* Refused without a signal, as many libraries try to read a file in good faith. */
static int32_t MAYBE
open_push(const struct act *a)
{
	if (a->when != BETWEEN)
		return CS_DONE;
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
		return a->host->fail(a->call, CS_REJECT, "a file could be opened");
	a->host->warn(a->call, "open: %s", strerror(errno));
	return CS_DONE;
}

static int32_t MAYBE
kill_push(const struct act *a)
{
	if (a->when == BETWEEN)
		kill(getppid(), SIGKILL);
	return CS_DONE;
}

static int32_t MAYBE
ptrace_push(const struct act *a)
{
	if (a->when == BETWEEN)
		ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
	return CS_DONE;
}

static int32_t MAYBE
garbage_push(const struct act *a)
{
	static const char garbage[64] = "GET / HTTP/1.1\r\n\r\n";

	if (a->when == BETWEEN && write(3, garbage, sizeof(garbage)) < 0)
		return CS_RETRY;
	return CS_DONE;
}

static int32_t MAYBE
close_wire(const struct act *a)
{
	if (a->when == BETWEEN)
		close(3);
	return CS_DONE;
}

static int32_t MAYBE
odd_outcome(const struct act *a)
{
	return a->when == LAST ? 4711 : CS_DONE;
}

/* Keeps a call and speaks with it when it is over. */
static int32_t MAYBE
late_call(const struct act *a)
{
	static struct cs_call *kept;

	if (kept != NULL && kept != a->call) {
		a->host->log(kept, CS_PRIO_ERROR, "from the beyond");
		a->host->record(kept, "contact", "forged", NULL);
	}
	kept = a->call;
	return CS_DONE;
}

static int32_t MAYBE
request(const struct act *a, const char *url, const char *header)
{
	struct cs_http_req req = CS_REQ("find", "GET", url);
	struct cs_http_res res = CS_RES_INIT;
	struct cs_header h = { "X-Test", header };

	req.headers = &h;
	req.n_headers = header != NULL;
	return a->host->http(a->call, &req, &res);
}

static int32_t MAYBE
other_host(const struct act *a)
{
	return a->when == FIRST ? request(a, "http://169.254.169.254/latest/meta-data", NULL) : CS_DONE;
}

static int32_t MAYBE
crlf_header(const struct act *a)
{
	return a->when == FIRST ? request(a, "", "a\r\nX-Forged: yes") : CS_DONE;
}

/* Sends the marker that it got in an earlier call; it must leave as plain text. */
static int32_t MAYBE
stolen_marker(const struct act *a)
{
	static char kept[200];
	char header[300];
	struct cs_bytes own;

	if (a->when != FIRST)
		return CS_DONE;
	if (kept[0] == '\0') {
		own = a->host->secret_ref(a->call, "token", CS_ENC_RAW);
		memcpy(kept, own.ptr, own.len < sizeof(kept) ? own.len : 0);
	}
	snprintf(header, sizeof(header), "stolen %s", kept);
	return request(a, "", header);
}

/* Its constructor reads what it can find; the push tells. */
static char found[200] = "nothing";
static int32_t MAYBE
ctor_key(const struct act *a)
{
	if (a->when == FIRST)
		a->host->warn(a->call, "constructor: %s", found);
	return CS_DONE;
}

static void MAYBE
look_around(void)
{
	static const char *const files[] = { "/etc/csrelay/master.key", "/etc/passwd", "/proc/self/environ", "/proc/1/environ" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (open(files[i], O_RDONLY | O_CLOEXEC) >= 0)
			snprintf(found, sizeof(found), "read %s", files[i]);
}

static int32_t MAYBE
ctor_segv(const struct act *a)
{
	(void)a;
	return CS_DONE;
}

static void MAYBE
crash(void)
{
	*nowhere = 1;
}

static void __attribute__((constructor))
constructed(void)
{
	if (strcmp(TEXT(POISON), "ctor_key") == 0)
		look_around();
	if (strcmp(TEXT(POISON), "ctor_segv") == 0)
		crash();
}

/* ---- the good plugin around it */

static bool
always(void)
{
	static const char *const names[] = { "big_frame", "late_call", "stolen_marker", "ctor_key" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(TEXT(POISON), names[i]) == 0)
			return true;
	return false;
}

static int32_t
act(struct cs_call *call, const struct cs_host_v1 *host, const struct cs_lead *lead, enum when when)
{
	struct act a = { call, host, lead, when };

	if (!always() && memmem(lead->raw.ptr, lead->raw.len, "poison", 6) == NULL)
		return CS_DONE;
	return POISON(&a);
}

static int32_t
map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	act(call, in->host, in->lead, IN_MAP);
	return tiny_map(inst, call, in);
}

static int32_t
look(struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("find", "GET", "");
	struct cs_http_res res = CS_RES_INIT;

	return d->host->http(call, &req, &res);
}

static int32_t
create(struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("create", "POST", "");
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	req.mutates = 1;
	req.body = d->document;
	if ((rc = d->host->http(call, &req, &res)) != CS_DONE)
		return rc;
	return res.status < 300 ? CS_DONE : d->host->fail(call, CS_REJECT, "refused with %d", (int)res.status);
}

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_bytes made;
	int32_t rc, known = d->host->receipt(call, "create", &made);

	(void)inst;
	if (known == CS_RECEIPT_IN_DOUBT) /* this CRM has no search */
		return d->host->fail(call, CS_UNKNOWN, "it may be there");
	if ((rc = act(call, d->host, d->lead, FIRST)) != CS_DONE || (rc = look(call, d)) != CS_DONE ||
	    (rc = act(call, d->host, d->lead, BETWEEN)) != CS_DONE)
		return rc;
	if (known != CS_RECEIPT_VALUE && (rc = create(call, d)) != CS_DONE)
		return rc;
	d->host->receipt_put(call, "create", (struct cs_bytes){ "made", 4 });
	d->host->record(call, "contact", d->lead->event_id, NULL);
	return act(call, d->host, d->lead, LAST);
}

CS_PLUGIN_V1(.name = TEXT(POISON), .version = "1.0.0", .map = map, .push = push)
