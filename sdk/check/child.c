/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.c - the process that holds the plugin under test.
 *
 * It gives up its rights with plughost/confine.h, as the real host does, loads the plugin, gives up the rest, and does the
 * tasks it was forked for. A signal handler on a stack of its own writes down what happened, so that the parent can tell an
 * endless recursion from a wild pointer, and a socket from a file.
 *
 * A constructor runs inside dlopen, when the loader must still open files. The two are told apart by where the call comes
 * from: a filter stops every openat whose instruction is not the loader's own.
 */
#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "auth/signature.h"
#include "check/child.h"
#include "check/heap.h"
#include "plughost/confine.h"
#include "plughost/fiber.h"
#include "plughost/load.h"

#define OUT_FD 3
#define MEMORY (INT64_C(1) << 30)
#define DIED 99
#define REFUSED 98
#define CLOSED 97 /* nobody can be told any more */
#define MUCH (UINT64_C(256) << 20)
#define FINDINGS_MAX 40 /* of one task; the first ones say it all */

struct cs_check_page *cs_check_page;

/* ---- dying */
/* Not by _exit: before a call that does not return sanitizers look for the stack, and open a file for that. */
__attribute__((no_sanitize("address"))) static void
on_signal(int sig, siginfo_t *si, void *context)
{
	(void)context;
	cs_check_page->signal = sig;
	if (sig == SIGSYS)
		cs_check_page->syscall = si->si_syscall;
	else
		cs_check_page->address = (uintptr_t)si->si_addr;
	cs_check_page->heap = cs_heap_in_use();
	syscall(__NR_exit_group, DIED);
}

static void
catch_signals(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP };
	static char stack[64 << 10];
	stack_t on = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction how = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND };

	sigaltstack(&on, NULL);
	for (size_t i = 0; i < CS_ARRAY_LEN(signals); i++)
		sigaction(signals[i], &how, NULL);
	signal(SIGABRT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
}

/* ---- constructors */
struct range {
	uintptr_t base, from, to;
};

static int
find_loader(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct range *r = arg;

	(void)size;
	if (info->dlpi_addr != r->base)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
			r->from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			r->to = r->from + info->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

/* Compare 64 bits of the instruction pointer with `limit`: the loader lies within 4 GiB, so its upper half is one value. */
static bool
watch_constructors(void)
{
	struct range r = { .base = getauxval(AT_BASE) };
	const uint32_t ip = offsetof(struct seccomp_data, instruction_pointer);

	dl_iterate_phdr(find_loader, &r);
	if (r.from == 0 || r.from >> 32 != r.to >> 32)
		return false;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ip + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(r.from >> 32), 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ip),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)r.from, 0, 1),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)r.to, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { CS_ARRAY_LEN(code), code };

	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0;
}

/* ---- loading */
/* What libraries read once, when they are first used: a plugin that asks for a date has opened no file. */
static void
warm_up(void)
{
	time_t now = time(NULL);
	unsigned char mac[64];
	struct tm tm;

	cs_hmac(CS_HMAC_SHA256, "k", 1, "", 0, mac);
	EVP_PKEY_free(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)"0123456789abcdef0123456789abcdef", 32));
	tzset();
	gmtime_r(&now, &tm);
	json_object_put(json_tokener_parse("{\"a\":1.5}"));
}

static void
say(json_object *o)
{
	const char *s = cs_json_text(o);
	struct cs_buf line = CS_BUF_INIT(0);
	size_t at = 0;
	ssize_t n;

	cs_buf_printf(&line, "%s\n", s);
	while (at < line.len && (n = write(OUT_FD, line.ptr + at, line.len - at)) > 0)
		at += (size_t)n;
	if (at < line.len)
		_exit(CLOSED);
	cs_buf_fini(&line);
	json_object_put(o);
}

static void
say_request(json_object *request)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "request", request);
	say(o);
}

static _Noreturn void
refuse(const struct cs_err *err)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "refused", json_object_new_string(err->msg));
	say(o);
	_exit(REFUSED);
}

static void
load(const struct cs_job *job, struct cs_check_plugin *plugin)
{
	const char *read[] = { job->dir, NULL };
	struct cs_confine_conf conf = { .read = read, .report_open = true };
	struct cs_confine_report report;
	struct cs_plugin *p;
	struct cs_err err = { 0 };

#ifndef CS_SANITIZED
	conf.memory = MEMORY;
#endif
	if (cs_confine_begin(&conf, &report, &err) != 0)
		refuse(&err);
	warm_up();
	watch_constructors();
	cs_check_page->phase = CS_LOADING;
	if (cs_plugin_load(job->path, job->manifest->name, job->manifest->version, true, &p, &err) != 0)
		refuse(&err);
	cs_check_page->phase = CS_IDLE;
	if (cs_confine_finish(&conf, &report, &err) != 0)
		refuse(&err);
	plugin->v1 = p->v1;
	plugin->rows = job->manifest;
	plugin->manifest = job->manifest->json;
	plugin->name = job->manifest->name;
}

/* ---- what is there */
static const char *const probes[CS_DUTY_KINDS] = {
	[CS_DUTY_IDENTIFY] = "{\"kind\":\"identify\"}", [CS_DUTY_FETCH] = "{\"kind\":\"fetch\",\"what\":\"%s/1\"}",
	[CS_DUTY_SUBSCRIBE] = "{\"hook\":{\"kind\":\"subscribe\",\"channel\":\"https://relay.example.com/hooks/x/y\"}}",
	[CS_DUTY_RENEW] = "{\"hook\":{\"kind\":\"renew\",\"channel\":\"https://relay.example.com/hooks/x/y\"}}",
	[CS_DUTY_UNSUBSCRIBE] = "{\"hook\":{\"kind\":\"unsubscribe\",\"channel\":\"https://relay.example.com/hooks/x/y\"}}",
};

static bool
answers(const struct cs_check_plugin *p, const char *script_text)
{
	json_object *script = json_tokener_parse(script_text);
	struct cs_plan plan = { .plugin = p, .script = script, .answers = CS_ANSWERS_ORDER, .kind = -1 };
	struct cs_call *c = cs_run(&plan);
	bool yes = c->rc != CS_UNSUPPORTED;

	cs_call_end(c);
	json_object_put(script);
	return yes;
}

/* Records are fetched by the types that the manifest has links for. */
static bool
fetches(const struct cs_check_plugin *p)
{
	char text[200];

	for (size_t i = 0; i < p->rows->n_links; i++) {
		snprintf(text, sizeof(text), "{\"kind\":\"fetch\",\"what\":\"%.100s/1\"}", p->rows->links[i].name);
		if (answers(p, text))
			return true;
	}
	return false;
}

static int
probe(const struct cs_check_plugin *p)
{
	int found = 0;

	for (int kind = 0; kind < CS_DUTY_KINDS; kind++)
		if (kind == CS_DUTY_FETCH ? fetches(p) : probes[kind] && answers(p, probes[kind]))
			found |= 1 << kind;
	return found;
}

static void
tell_probe(const struct cs_check_plugin *p)
{
	json_object *o = json_object_new_object(), *all = json_object_new_object();

	json_object_object_add(o, "struct_size", json_object_new_int64(p->v1.struct_size));
	json_object_object_add(o, "abi_minor", json_object_new_int64(p->v1.abi_minor));
	json_object_object_add(o, "has_webhook", json_object_new_boolean(p->v1.handle_webhook != NULL));
	json_object_object_add(o, "has_auth", json_object_new_boolean(p->v1.auth_refresh != NULL));
	json_object_object_add(o, "has_open", json_object_new_boolean(p->v1.open != NULL));
	json_object_object_add(o, "answers", json_object_new_int(probe(p)));
	json_object_object_add(all, "probe", o);
	say(all);
}

/* ---- tasks */
/* One mistake shows up in many runs: each text once per rule. */
static json_object *
distinct(json_object *findings)
{
	json_object *out = json_object_new_array(), *seen = json_object_new_object();

	for (size_t i = 0; i < json_object_array_length(findings) && json_object_array_length(out) < FINDINGS_MAX; i++) {
		json_object *f = json_object_array_get_idx(findings, i);
		char key[600];

		snprintf(key, sizeof(key), "%s %s", cs_json_str(f, "rule", ""), cs_json_str(f, "text", ""));
		if (json_object_object_get_ex(seen, key, NULL))
			continue;
		json_object_object_add(seen, key, NULL);
		json_object_array_add(out, json_object_get(f));
	}
	json_object_put(seen);
	return out;
}

static void
do_task(const struct cs_job *job, const struct cs_check_plugin *plugin, size_t i)
{
	struct cs_trial t = { .row = job->tasks[i].row, .duty = job->tasks[i].duty, .plugin = plugin,
		.findings = json_object_new_array() };
	json_object *o = json_object_new_object();

	cs_check_page->trial = (uint32_t)i;
	t.row->try(&t);
	json_object_object_add(o, "task", json_object_new_int64((int64_t)i));
	json_object_object_add(o, "runs", json_object_new_int64(t.runs));
	json_object_object_add(o, "findings", distinct(t.findings));
	json_object_put(t.findings);
	say(o);
}

void
cs_child_main(const struct cs_job *job, int out)
{
	struct cs_check_plugin plugin = { .name = "" };

	if (out != OUT_FD)
		dup2(out, OUT_FD);
	close_range(OUT_FD + 1, ~0u, 0);
	catch_signals();
	load(job, &plugin);
	cs_check_tell = job->tells_requests ? say_request : NULL;
	if (job->from == job->n)
		tell_probe(&plugin);
	for (size_t i = job->from; i < job->n; i++)
		do_task(job, &plugin, i);
	_exit(0);
}

/* ---- seen from the parent */
static enum cs_rule
rule_of_syscall(const char *name)
{
	static const struct {
		const char *name;
		enum cs_rule rule;
	} rows[] = {
		{ "socket", CS_RULE_SOCKET }, { "socketpair", CS_RULE_SOCKET }, { "connect", CS_RULE_SOCKET }, { "bind", CS_RULE_SOCKET },
		{ "open", CS_RULE_FILE }, { "openat", CS_RULE_FILE }, { "execve", CS_RULE_EXECUTES }, { "execveat", CS_RULE_EXECUTES },
		{ "clone", CS_RULE_FORKS }, { "clone3", CS_RULE_FORKS }, { "fork", CS_RULE_FORKS }, { "vfork", CS_RULE_FORKS },
		{ "kill", CS_RULE_KILLS }, { "tkill", CS_RULE_KILLS }, { "tgkill", CS_RULE_KILLS }, { "rt_sigqueueinfo", CS_RULE_KILLS },
		{ "pidfd_send_signal", CS_RULE_KILLS }, { "ptrace", CS_RULE_TRACES }, { "process_vm_readv", CS_RULE_TRACES },
		{ "process_vm_writev", CS_RULE_TRACES },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].rule;
	return CS_RULE_FORBIDDEN;
}

/* The guard lies below the stack, so an overflow touches it or what is just above. */
static bool
is_overflow(const struct cs_check_page *p)
{
	uintptr_t bottom = p->stack_top - CS_FIBER_STACK;

	return p->phase != CS_LOADING && p->address < bottom + (16 << 10) && p->address > bottom - CS_FIBER_GUARD - (16 << 10);
}

static enum cs_rule
rule_of_phase(const struct cs_check_page *p)
{
	switch ((enum cs_phase)p->phase) {
	case CS_LOADING:
		return CS_RULE_DIES_LOAD;
	case CS_IN_OPEN:
	case CS_IN_MAP:
		return CS_RULE_DIES_MAP;
	case CS_IN_PUSH:
		return p->requests > 0 ? CS_RULE_DIES_BETWEEN : CS_RULE_DIES_PUSH;
	default:
		return CS_RULE_DIES_HOOK;
	}
}

static const char *
where(const struct cs_check_page *p)
{
	static const char *const words[] = { "outside of a call", "while it was loaded", "in open", "in map", "in push", "in handle_webhook",
		"in auth_refresh" };

	return p->phase < CS_ARRAY_LEN(words) ? words[p->phase] : "";
}

enum cs_rule
cs_death_rule(const struct cs_check_page *page, int status, enum cs_killed killed, char *text, size_t cap)
{
	int sig = page->signal ? page->signal : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	const char *name;

	if (killed == CS_KILLED_HUNG) {
		snprintf(text, cap, "did not come back %s", where(page));
		return CS_RULE_HANGS;
	}
	if (killed == CS_KILLED_LARGE) {
		snprintf(text, cap, "took memory without end %s", where(page));
		return CS_RULE_FLOOD;
	}
	if (sig == SIGSYS && page->signal == 0) { /* libc blocks signals around clone, and there only */
		snprintf(text, cap, "started a thread or process %s", where(page));
		return CS_RULE_FORKS;
	}
	if (sig == SIGSYS) {
		name = cs_confine_syscall_name(page->syscall);
		snprintf(text, cap, "called %s %s", name ? name : "what is forbidden", where(page));
		return rule_of_syscall(name ? name : "");
	}
	if (sig == 0 && WEXITSTATUS(status) == CLOSED) {
		snprintf(text, cap, "closed a descriptor of its host");
		return CS_RULE_SOCKET_GARBAGE;
	}
	if (page->heap > MUCH) {
		snprintf(text, cap, "died %s with %u MiB that it had not given back", where(page), (unsigned)(page->heap >> 20));
		return CS_RULE_FLOOD;
	}
	if (sig == 0) {
		snprintf(text, cap, "ended the process with status %d %s", WEXITSTATUS(status), where(page));
		return CS_RULE_EXITS;
	}
	snprintf(text, cap, "%s (signal %d, %s) %s, after %u requests", strsignal(sig), sig, sigabbrev_np(sig), where(page),
	    (unsigned)page->requests);
	if (sig == SIGABRT)
		return CS_RULE_ABORTS;
	if ((sig == SIGSEGV || sig == SIGBUS) && is_overflow(page))
		return CS_RULE_STACK;
	return rule_of_phase(page);
}
