/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - csrelay-plugin-host: the process that one plugin lives in.
 *
 * Started by csrelayd with an empty environment and two descriptors: 3 is the wire, 4 the shared page (wire/page.h), which
 * is mapped and closed. Everything that must exist before the limits come is made first: the page, the signal handler,
 * the stacks of the calls. Then stage one, the plugin, its symbols, stage two, and a hello that says what became of it.
 *
 * The loop reads what there is, lets the calls run until all of them wait, and writes all they said at once: two system calls
 * per wake-up, however many calls that were. It blocks in both; the core never does, so nobody waits for each other.
 * The process ends when the core closes the wire.
 */
#include "config.h"
#include "plughost/call.h"
#include "plughost/confine.h"
#include "plughost/fiber.h"
#include "plughost/load.h"
#include "plughost/trace.h"
#include "util/mem.h"
#include "wire/page.h"
#include "wire/wire.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define WIRE 3
#define PAGE 4
#define READ_MIN ((size_t)256 << 10)

#ifdef CS_SANITIZED /* there is no environment to say it in; what leaks ends with the process, and looking would trace it */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_stack_use_after_return=0:detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=8";
}
#endif

struct told { /* by the core, as arguments */
	const char *name, *file, *version, *build;
	size_t max_calls;
	int64_t memory;
	bool trust;
};

static bool
read_arguments(int argc, char **argv, struct told *t)
{
	if (argc != 8)
		return false;
	*t = (struct told){ .name = argv[1], .file = argv[2], .version = argv[3], .build = argv[4],
		.max_calls = strtoul(argv[5], NULL, 10), .memory = strtoll(argv[6], NULL, 10), .trust = argv[7][0] == '1' };
	return t->max_calls > 0;
}

static struct cs_page *
map_page(void)
{
	void *p = mmap(NULL, CS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, PAGE, 0);

	close(PAGE);
	return p != MAP_FAILED ? p : NULL;
}

static bool
write_all(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(WIRE, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static bool
say_hello(const struct cs_wire_hello *hello)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	return cs_wire_put_hello(&b, hello) == 0 && write_all(b.ptr, b.len);
}

/* Both stages around dlopen. */
static int
load_confined(const struct told *t, struct cs_plugin **plugin, struct cs_confine_report *held, struct cs_page *page,
              const struct cs_fiber_pool *stacks, struct cs_err *err)
{
	CS_CLEANUP(cs_freep) char *real = realpath(t->file, NULL), *folder = cs_xstrdup(real != NULL ? real : t->file);
	const char *read[] = { dirname(folder), NULL };
	struct cs_confine_conf conf = { .read = read, .memory = t->memory };
	int rc;

	if (strcmp(t->build, cs_wire_build) != 0)
		return cs_err_set(err, CS_EINVAL, "csrelay-plugin-host: build: expected %s (the daemon's), found %s", t->build,
		                  cs_wire_build);
	if ((rc = cs_confine_begin(&conf, held, err)) < 0 ||
	    (rc = cs_plugin_load(t->file, t->name, t->version, t->trust, plugin, err)) < 0)
		return rc;
	cs_trace_plugin((*plugin)->dl);
	cs_trace_begin(page, stacks);
	return cs_confine_finish(&conf, held, err);
}

/* ---- the loop */

struct input {
	char *p;
	size_t n, cap;
};

/* Room for the rest of a frame; the largest one is CS_WIRE_MAX. */
static void
make_room(struct input *in)
{
	if (in->n < in->cap)
		return;
	in->cap = in->cap > 0 ? 2 * in->cap : READ_MIN;
	in->p = cs_xrealloc(in->p, in->cap);
}

static void
drop(struct input *in, size_t n)
{
	in->n -= n;
	if (in->n > 0)
		memmove(in->p, in->p + n, in->n);
	if (in->n == 0 && in->cap > READ_MIN) {
		cs_freep(&in->p);
		in->cap = 0;
	}
}

static void
serve(struct cs_runner *runner)
{
	struct cs_buf out = CS_BUF_INIT(0);
	struct input in = { 0 };
	long taken = 0;

	while (taken >= 0) {
		ssize_t got;

		make_room(&in);
		got = read(WIRE, in.p + in.n, in.cap - in.n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return;
		in.n += (size_t)got;
		taken = cs_runner_feed(runner, in.p, in.n, &out);
		if (!write_all(cs_buf_str(&out), out.len))
			return;
		if (out.cap > READ_MIN)
			cs_buf_fini(&out);
		cs_buf_reset(&out);
		drop(&in, taken > 0 ? (size_t)taken : 0);
	}
}

int
main(int argc, char **argv)
{
	struct cs_confine_report held = { 0 };
	struct cs_wire_hello hello = { .build = cs_wire_build, .refused = "" };
	struct cs_plugin *plugin = NULL;
	struct cs_fiber_pool *stacks;
	struct cs_page *page;
	struct cs_err err = { 0 };
	struct told t;

	if (!read_arguments(argc, argv, &t) || (page = map_page()) == NULL) {
		fputs("csrelay-plugin-host is started by csrelayd; see csrelay-plugin-host(8)\n", stderr);
		return 2;
	}
	prctl(PR_SET_NAME, t.name);
	stacks = cs_fiber_pool_new(t.max_calls, &err);
	cs_trace_begin(page, stacks);
	if (stacks == NULL || load_confined(&t, &plugin, &held, page, stacks, &err) < 0)
		hello.refused = err.msg;
	else
		hello = (struct cs_wire_hello){ .build = cs_wire_build, .refused = "", .has_auth = plugin->v1.auth_refresh != NULL,
			.has_hook = plugin->v1.handle_webhook != NULL, .landlock = held.landlock, .seccomp = held.seccomp,
			.memory = held.memory };
	if (say_hello(&hello) && hello.refused[0] == '\0')
		serve(cs_runner_on(&plugin->v1, stacks, page));
	_exit(hello.refused[0] == '\0' ? 0 : 1);
}
