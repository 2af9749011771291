/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.c - see process.h.
 *
 * Start: a socket pair, a page (memfd), vfork, and in the child nothing but system calls: the two descriptors become 3 and 4,
 * all others are closed, the environment is empty, and execveat starts the program that our descriptor names. vfork, because
 * the memory of a busy daemon is large and each of its pages would be copied when it is written next. The child dies with
 * the thread that started it, so a plugin in an endless loop does not outlive the daemon.
 *
 * I/O: one read and one write per turn of the engine. What the socket does not take stays in `to`; the engine's poll waits
 * for room then. The other side never waits for us with full hands, because we read whenever there is something.
 */
#include "config.h"
#include "plugin/process.h"
#include "plughost/confine.h"
#include "util/clock.h"
#include "util/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "csrelay-plugin-host"
#define READ_MAX ((size_t)256 << 10)
#define WIRE 3
#define PAGE 4
#define STUCK_TIMES 10 /* so many times the allowed processor time without using it */
#define SILENT_TIMES 3
#define HOG_PART 8     /* of the allowed processor time, and others go first */
#define LOW_PRIORITY 19

int
cs_process_program(struct cs_err *err)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(PROGRAM) - 1);
	int fd = -1;

	if (n > 0) {
		path[n] = '\0';
		strcpy(strrchr(path, '/') + 1, PROGRAM);
		fd = open(path, O_PATH | O_CLOEXEC);
	}
	if (fd < 0)
		fd = open(CS_LIBEXEC_DIR "/" PROGRAM, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		cs_err_set(err, CS_ENOTFOUND, "%s: %s", CS_LIBEXEC_DIR "/" PROGRAM, strerror(errno));
		cs_err_hint(err, "plugins run in it; plugins.confined = false runs them in the daemon instead");
		return CS_ENOTFOUND;
	}
	return fd;
}

/* ---- I/O */

static int
receive(struct cs_peer *peer)
{
	struct cs_process *p = (struct cs_process *)(void *)peer;
	ssize_t n;

	if (!p->readable)
		return 0;
	cs_buf_reserve(&peer->from, READ_MAX);
	if (peer->from.cap - peer->from.len <= READ_MAX)
		return CS_ECORRUPT; /* a frame that never ends */
	n = recv(p->fd, peer->from.ptr + peer->from.len, READ_MAX, MSG_DONTWAIT);
	p->readable = n < 0 && errno == EINTR; /* else the next sleep tells whether there is more: others have their turn first */
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : CS_ECLOSED;
	peer->from.len += (size_t)n;
	p->heard = true;
	return n == 0 ? CS_ECLOSED : 1;
}

static void
send_frames(struct cs_peer *peer)
{
	struct cs_process *p = (struct cs_process *)(void *)peer;
	ssize_t n;

	if (p->sent == peer->to.len)
		return;
	n = send(p->fd, peer->to.ptr + p->sent, peer->to.len - p->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		p->sent += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		p->readable = true; /* it is gone; reading tells */
	if (p->sent == peer->to.len) {
		cs_buf_recycle(&peer->to, CS_PEER_KEPT);
		p->sent = 0;
	}
}

/* ---- starting */

struct launch {
	char *argv[9];
	char calls[24], memory[24];
	int program, wire, page, nice;
	pid_t parent;
};

static char *
word(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void
close_from(int first)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, ~0u, 0) == 0)
		return;
#endif
	for (long fd = first, max = sysconf(_SC_OPEN_MAX); fd < (max > 0 ? max : 65536); fd++)
		close((int)fd);
}

/* In a child that shares our memory until it is the program: system calls only. */
static _Noreturn void
become(const struct launch *l)
{
	static char *const no_environment[] = { NULL };
	int program, wire, page;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != l->parent)
		_exit(127); /* too late: it has died meanwhile */
	setsid();
	setpriority(PRIO_PROCESS, 0, l->nice);
	program = fcntl(l->program, F_DUPFD_CLOEXEC, 16);
	wire = fcntl(l->wire, F_DUPFD, 16);
	page = fcntl(l->page, F_DUPFD, 16);
	if (program < 0 || dup2(wire, WIRE) < 0 || dup2(page, PAGE) < 0)
		_exit(127);
	if (dup2(program, PAGE + 1) < 0 || fcntl(PAGE + 1, F_SETFD, FD_CLOEXEC) != 0)
		_exit(127);
	close_from(PAGE + 2);
#ifndef CS_SANITIZED /* which want to tell what they find */
	for (int fd = 0; fd < WIRE; fd++)
		close(fd);
#endif
	syscall(SYS_execveat, PAGE + 1, "", l->argv, no_environment, 0x1000 /* AT_EMPTY_PATH */);
	_exit(126);
}

static int
make_page(const struct cs_page **out, struct cs_err *err)
{
	int fd = memfd_create("csrelay-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, CS_PAGE_SIZE) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		p = mmap(NULL, CS_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		cs_err_set(err, CS_EIO, "no page to share with a plugin's process: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return CS_EIO;
	}
	*out = p;
	return fd;
}

static int
spawn(struct cs_process *p, const struct cs_process_conf *conf, int page, struct cs_err *err)
{
	struct launch l = { .program = conf->program, .page = page, .parent = getpid(),
		.nice = conf->low_priority ? LOW_PRIORITY : 0 };
	int pair[2];

	snprintf(l.calls, sizeof(l.calls), "%zu", conf->max_calls);
	snprintf(l.memory, sizeof(l.memory), "%lld", (long long)conf->memory);
	memcpy(l.argv, ((char *[]){ word(PROGRAM), word(conf->name), word(conf->file), word(conf->version), word(cs_wire_build),
	                   l.calls, l.memory, word(conf->trust_all ? "1" : "0"), NULL }), sizeof(l.argv));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return cs_err_set(err, CS_EIO, "no socket to a plugin's process: %s", strerror(errno));
	l.wire = pair[1];
	p->fd = pair[0];
	if ((p->pid = vfork()) == 0)
		become(&l);
	close(pair[1]);
	return p->pid > 0 ? 0 : cs_err_set(err, CS_EIO, "no process for a plugin: %s", strerror(errno));
}

static void
process_free(struct cs_process *p)
{
	if (p->fd >= 0)
		close(p->fd);
	if (p->page != NULL)
		munmap((void *)(uintptr_t)p->page, CS_PAGE_SIZE);
	cs_buf_fini(&p->peer.to);
	cs_buf_fini(&p->peer.from);
	cs_freep(&p);
}

int
cs_process_start(const struct cs_process_conf *conf, struct cs_process **out, struct cs_err *err)
{
	static const struct cs_peer_ops ops = { receive, send_frames };
	struct cs_process *p = cs_xcalloc(1, sizeof(*p));
	int page, rc;

	p->peer.ops = &ops;
	p->fd = -1;
	cs_buf_init(&p->peer.from, CS_WIRE_MAX + READ_MAX);
	p->seen_us = cs_mono_us();
	if ((page = make_page(&p->page, err)) < 0) {
		process_free(p);
		return page;
	}
	rc = spawn(p, conf, page, err);
	close(page);
	if (rc < 0) {
		process_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

/* ---- the watch */

static int64_t
cpu_us_of(const struct cs_process *p)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(p->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Since when nothing has changed: `used` of processor time, and now. */
static void
see(struct cs_process *p, uint64_t switches, int64_t used, int64_t now_us)
{
	p->seen_switches = switches;
	p->seen_cpu_us = used;
	p->seen_us = now_us;
}

bool
cs_process_watch(struct cs_process *p, int64_t now_us, int64_t cpu_us)
{
	uint64_t switches = atomic_load_explicit(&p->page->switches, memory_order_relaxed);
	bool busy = !p->introduced || atomic_load_explicit(&p->page->running, memory_order_relaxed) != 0;
	int64_t used = cpu_us_of(p);

	if (p->told_to_end) {
		kill(p->pid, SIGKILL);
		return true;
	}
	if (p->heard)
		p->heard_cpu_us = used;
	p->heard = false;
	if (!busy || switches != p->seen_switches)
		see(p, switches, used, now_us);
	else if (used - p->seen_cpu_us > cpu_us / HOG_PART)
		setpriority(PRIO_PROCESS, (id_t)p->pid, LOW_PRIORITY);
	if (used - p->seen_cpu_us < cpu_us && now_us - p->seen_us < cpu_us * STUCK_TIMES &&
	    used - p->heard_cpu_us < cpu_us * SILENT_TIMES)
		return false;
	p->told_to_end = true;
	kill(p->pid, SIGXCPU);
	return true;
}

/* ---- the end */

static const char *
signal_name(int sig)
{
	static const struct { int sig; const char *name; } names[] = {
		{ SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" }, { SIGILL, "SIGILL" }, { SIGABRT, "SIGABRT" },
		{ SIGSYS, "SIGSYS" }, { SIGTRAP, "SIGTRAP" }, { SIGXCPU, "SIGXCPU" }, { SIGKILL, "SIGKILL" }, { SIGTERM, "SIGTERM" },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(names); i++)
		if (names[i].sig == sig)
			return names[i].name;
	return "a signal";
}

static void
say_fault(const struct cs_page *page, int sig, struct cs_buf *b)
{
	int32_t how = page->how, detail = page->detail;
	const char *call = cs_confine_syscall_name(detail);

	switch (how) {
	case CS_DIED_NULL:
		cs_buf_printf(b, "%s: no memory at address %d", signal_name(sig), (int)(detail & 0xffff));
		break;
	case CS_DIED_WILD:
		cs_buf_printf(b, "%s: a wild pointer", signal_name(sig));
		break;
	case CS_DIED_STACK:
		cs_buf_printf(b, "%s: its stack of 256 KiB is full", signal_name(sig));
		break;
	case CS_DIED_MEMORY:
		cs_buf_printf(b, "%s: it wanted more memory than plugins.memory allows", signal_name(sig));
		break;
	case CS_DIED_SYSCALL:
		if (call != NULL)
			cs_buf_printf(b, "%s: it called %s(), which is forbidden", signal_name(sig), call);
		else
			cs_buf_printf(b, "%s: it made system call %d, which is forbidden", signal_name(sig), (int)detail);
		break;
	default:
		cs_buf_adds(b, signal_name(sig));
	}
}

static void
say_trace(const struct cs_page *page, struct cs_buf *b)
{
	char text[CS_PAGE_TRACE];

	memcpy(text, page->trace, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	if (text[0] != '\0')
		cs_buf_printf(b, " in %s", text);
}

/* Some of it was written by whoever could write the page or the wire. It must not look like another line, field or colour. */
static void
clean(char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '"')
			*text = '\'';
		else if (*text < ' ' || *text > '~' || *text == '\\')
			*text = '?';
}

static void
tell(const struct cs_process *p, int status, const char *why, struct cs_death *d)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	int sig = p->page->signal;

	if (sig < 0 || sig > 64 || !(WIFEXITED(status) && WEXITSTATUS(status) == 128 + sig))
		sig = 0; /* not what the handler does: somebody else wrote there */
	d->signal = sig != 0 ? sig : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (p->refused[0] != '\0')
		cs_buf_adds(&b, p->refused);
	else if (p->told_to_end && sig != 0 && sig != SIGXCPU)
		say_fault(p->page, sig, &b);
	else if (p->told_to_end)
		cs_buf_adds(&b, "it did not give the processor back in time (plugins.cpu_time)");
	else if (sig != 0)
		say_fault(p->page, sig, &b);
	else if (why != NULL)
		cs_buf_adds(&b, why);
	else if (WIFSIGNALED(status))
		cs_buf_printf(&b, "it was ended by %s", signal_name(WTERMSIG(status)));
	else
		cs_buf_printf(&b, "it ended itself with status %d", WEXITSTATUS(status));
	if (sig != 0)
		say_trace(p->page, &b);
	snprintf(d->what, sizeof(d->what), "%s", cs_buf_str(&b));
	clean(d->what);
}

/* Between the end of its socket and its own it may take a moment to be able to say how it ended. */
static int
reap(struct cs_process *p, bool dying)
{
	int status = 0;
	pid_t got = 0;

	for (int i = 0; dying && i < 50 && (got = waitpid(p->pid, &status, WNOHANG)) == 0; i++)
		usleep(200);
	if (got != 0)
		return status;
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

void
cs_process_end(struct cs_process *p, const char *why, struct cs_death *death)
{
	int status = reap(p, why == NULL);

	death->running = p->page->running;
	tell(p, status, why, death);
	process_free(p);
}
