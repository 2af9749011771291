/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.c - fork a child, read what it says, notice how it ends.
 *
 * The child is not trusted: a line that is none of ours is a finding of its own. A call hangs when the child has used one
 * second of processor time on it, or thirty seconds have passed; both leave room for slow machines and sanitizers.
 */
#include "config.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "check/watch.h"

#ifdef CS_SANITIZED
#define SLOWER 4
#define STATM_PAGES "%*d %ld" /* resident: much more is mapped */
#else
#define SLOWER 1
#define STATM_PAGES "%ld"
#endif
#define CPU_NS (INT64_C(1000000000) * SLOWER)
#define WALL_NS (INT64_C(30000000000) * SLOWER)
#define MEMORY_MAX (1L << 30)
#define DEATHS_MAX 12
#define HANGS_MAX 3
#define LINE_MAX_BYTES (4u << 20)

struct child {
	pid_t pid;
	int out, printed; /* pipe; file that is its standard output */
	bool closed;
	enum cs_killed killed;
	struct cs_buf line;
	uint32_t last_runs;
	int64_t cpu_ns, wall_ns; /* when the call that runs was first seen */
	off_t printed_before;
	struct cs_job *job;
	struct cs_results *results;
	struct cs_probe *probe;
	char refused[400];
};

/* ---- results */
void
cs_results_add(struct cs_results *r, enum cs_rule rule, const char *script, const char *text, const struct cs_task *task)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].rule == rule && strcmp(r->v[i].text, text) == 0) {
			r->v[i].times++;
			return;
		}
	r->v = cs_xrealloc(r->v, (r->n + 1) * sizeof(*r->v));
	r->v[r->n++] = (struct cs_finding){ rule, cs_xstrdup(script), cs_xstrdup(text), task, 1 };
}

void
cs_results_free(struct cs_results *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].script);
		free(r->v[i].text);
	}
	free(r->v);
	free(r->task_failed);
	*r = (struct cs_results){ 0 };
}

static const struct cs_task *
task_at(const struct child *c, size_t i)
{
	return i < c->job->n ? &c->job->tasks[i] : NULL;
}

static void
found(struct child *c, size_t task, enum cs_rule rule, const char *script, const char *text)
{
	cs_results_add(c->results, rule, script, text, task_at(c, task));
	if (task < c->job->n)
		c->results->task_failed[task] = true;
}

/* ---- what it says */
static bool
take_probe(struct child *c, json_object *o)
{
	json_object *p = cs_json_get(o, "probe");

	if (!p || !c->probe)
		return false;
	c->probe->struct_size = (uint32_t)cs_json_int(p, "struct_size", 0);
	c->probe->abi_minor = (uint32_t)cs_json_int(p, "abi_minor", 0);
	c->probe->has_webhook = cs_json_bool(p, "has_webhook", false);
	c->probe->has_auth = cs_json_bool(p, "has_auth", false);
	c->probe->has_open = cs_json_bool(p, "has_open", false);
	c->probe->answers = (unsigned)cs_json_int(p, "answers", 0);
	return true;
}

static bool
take_task(struct child *c, json_object *o)
{
	json_object *list = cs_json_get(o, "findings");
	size_t i = (size_t)cs_json_int(o, "task", -1);

	if (i != c->job->from || !json_object_is_type(list, json_type_array))
		return false;
	for (size_t k = 0; k < json_object_array_length(list); k++) {
		json_object *f = json_object_array_get_idx(list, k);
		int rule = cs_rule_named(cs_json_str(f, "rule", ""));

		if (rule < 0)
			return false;
		found(c, i, (enum cs_rule)rule, cs_json_str(f, "script", ""), cs_json_str(f, "text", ""));
	}
	c->results->runs += (unsigned)cs_json_int(o, "runs", 0);
	c->results->done++;
	c->job->from++;
	return true;
}

static void
look_at_prints(struct child *c)
{
	off_t size = lseek(c->printed, 0, SEEK_END);
	char text[120], start[60] = "";

	if (size <= c->printed_before)
		return;
	if (pread(c->printed, start, sizeof(start) - 1, c->printed_before) < 0)
		start[0] = '\0';
	start[strcspn(start, "\r\n")] = '\0';
	snprintf(text, sizeof(text), "wrote to its standard output: %s", start);
	c->printed_before = size;
	found(c, c->job->from, CS_RULE_PRINTS, "", text);
}

/* What was asked for goes out as it came. */
static bool
take_request(const struct child *c, json_object *o)
{
	json_object *request = cs_json_get(o, "request");

	if (!request || !c->job->tells_requests)
		return false;
	puts(cs_json_text(request));
	return true;
}

static void
take_line(struct child *c, const char *line, size_t n)
{
	json_object *o = NULL;
	const char *refused;

	look_at_prints(c);
	if (cs_json_parse(line, n, 32, &o, NULL) == 0 && (refused = cs_json_str(o, "refused", NULL)))
		snprintf(c->refused, sizeof(c->refused), "%s", refused);
	else if (!o || (!take_request(c, o) && !take_probe(c, o) && !take_task(c, o)))
		found(c, c->job->from, CS_RULE_SOCKET_GARBAGE, "", "wrote to a descriptor of its host");
	json_object_put(o);
}

static void
take_lines(struct child *c)
{
	char *end;

	while (c->line.len && (end = memchr(c->line.ptr, '\n', c->line.len)) != NULL) {
		size_t n = (size_t)(end - c->line.ptr) + 1;

		take_line(c, c->line.ptr, n - 1);
		memmove(c->line.ptr, c->line.ptr + n, c->line.len - n);
		c->line.len -= n;
	}
}

/* ---- does it get on? */
static int64_t
read_clock(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t
cpu_of(const struct child *c)
{
	clockid_t id;

	return clock_getcpuclockid(c->pid, &id) == 0 ? read_clock(id) : 0;
}

static void
look_for_a_hang(struct child *c)
{
	uint32_t runs = cs_check_page->runs;

	if (runs != c->last_runs || c->wall_ns == 0) {
		c->last_runs = runs;
		c->cpu_ns = cpu_of(c);
		c->wall_ns = read_clock(CLOCK_MONOTONIC);
		return;
	}
	if (cpu_of(c) - c->cpu_ns < CPU_NS && read_clock(CLOCK_MONOTONIC) - c->wall_ns < WALL_NS)
		return;
	c->killed = CS_KILLED_HUNG;
}

/* Limits of memory hold in the child, but not with sanitizers; and who allocates without end does not come back. */
static void
look_for_a_flood(struct child *c)
{
	long max = c->killed == CS_KILLED_HUNG ? MEMORY_MAX / 8 : MEMORY_MAX;
	char path[40];
	long pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)c->pid);
	if (!(f = fopen(path, "re")))
		return;
	if (fscanf(f, STATM_PAGES, &pages) == 1 && pages > max / sysconf(_SC_PAGESIZE))
		c->killed = CS_KILLED_LARGE;
	fclose(f);
}

static void
look_after(struct child *c)
{
	if (cs_check_page->signal != 0)
		return; /* it is dying by itself, and may have much to give back */
	look_for_a_hang(c);
	look_for_a_flood(c);
	if (c->killed != CS_KILLED_NOT)
		kill(c->pid, SIGKILL);
}

static void
listen_to(struct child *c)
{
	struct pollfd p = { .fd = c->out, .events = POLLIN };
	char bytes[16 << 10];
	ssize_t n;

	while (!c->closed) {
		if (poll(&p, 1, 100) > 0) {
			n = read(c->out, bytes, sizeof(bytes));
			c->closed = n == 0 || (n < 0 && errno != EINTR);
			if (n > 0 && cs_buf_add(&c->line, bytes, (size_t)n) != 0)
				c->line.len = 0;
			take_lines(c);
		}
		if (c->killed == CS_KILLED_NOT)
			look_after(c);
	}
}

/* ---- one child */
static _Noreturn void
become_child(struct child *c, int out)
{
	int null = memfd_create("stdin", 0);

	dup2(null, STDIN_FILENO);
	dup2(c->printed, STDOUT_FILENO);
	dup2(c->printed, STDERR_FILENO);
	clearenv();
	cs_child_main(c->job, out);
}

static int
start(struct child *c)
{
	int fds[2];

	memset(cs_check_page, 0, sizeof(*cs_check_page));
	if (pipe(fds) != 0)
		return -1;
	if ((c->printed = memfd_create("stdout", 0)) < 0 || (c->pid = fork()) < 0) {
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (c->pid == 0)
		become_child(c, fds[1]);
	close(fds[1]);
	c->out = fds[0];
	return 0;
}

/* Its exit status; -1 when there was no child. */
static int
run_child(struct child *c)
{
	int status = 0;

	cs_buf_init(&c->line, LINE_MAX_BYTES);
	fflush(stdout);
	if (start(c) != 0)
		return -1;
	listen_to(c);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	look_at_prints(c);
	close(c->out);
	close(c->printed);
	cs_buf_fini(&c->line);
	return status;
}

static int
share_page(void)
{
	void *p = cs_check_page;

	if (!p)
		p = mmap(NULL, sizeof(*cs_check_page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	cs_check_page = p;
	return 0;
}

static void
write_down_death(struct child *c, int status)
{
	char text[200], script[sizeof(cs_check_page->script)];
	enum cs_rule rule = cs_death_rule(cs_check_page, status, c->killed, text, sizeof(text));

	memcpy(script, cs_check_page->script, sizeof(script));
	script[sizeof(script) - 1] = '\0';
	found(c, c->job->from, rule, script, text);
}

/* ---- what callers want */
int
cs_watch_probe(struct cs_job *job, struct cs_probe *probe, struct cs_results *out, struct cs_err *err)
{
	struct child c = { .job = job, .results = out, .probe = probe };
	int status;

	if (share_page() != 0 || (status = run_child(&c)) == -1)
		return cs_err_set(err, CS_EIO, "no child could be started: %s", strerror(errno));
	if (c.refused[0]) {
		cs_results_add(out, CS_RULE_LOAD, "", c.refused, NULL);
		return cs_err_set(err, CS_EINVAL, "%s", c.refused);
	}
	if (status == 0)
		return 0;
	write_down_death(&c, status);
	return cs_err_set(err, CS_EINVAL, "%s", out->v[out->n - 1].text);
}

void
cs_watch_tasks(struct cs_job *job, struct cs_results *out)
{
	unsigned deaths = 0, hangs = 0;

	out->task_failed = cs_xcalloc(job->n + 1, sizeof(*out->task_failed));
	while (job->from < job->n && deaths < DEATHS_MAX && hangs < HANGS_MAX) {
		struct child c = { .job = job, .results = out };
		int status = run_child(&c);

		if (status == 0 && job->from == job->n)
			break;
		write_down_death(&c, status);
		deaths++;
		hangs += c.killed == CS_KILLED_HUNG;
		job->from++;
	}
	out->not_run = (unsigned)(job->n - job->from);
}
