/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.c - no-new-privs, limits, landlock, and two seccomp filters made from one table.
 *
 * The table lists the system calls that are allowed, with a check of one argument where that matters, and those that no
 * plugin has an honest use for. Everything else is refused with EPERM. A filter is a straight line of comparisons: a
 * confined process makes two system calls per wake-up, so their order is of no matter. The second filter is stacked onto
 * the first and both are asked; the stricter word counts.
 *
 * What is where: seccomp sees numbers, not paths, so "read this folder only" is landlock's part. Without landlock a
 * constructor could read what the user of the daemon may read; it could not pass it on but through the plugin's own wire.
 *
 * Sanitizers need more system calls than can be listed. In builds with them everything is allowed that is not refused by
 * name; packages are never built that way.
 */
#include "config.h"
#include "plughost/confine.h"
#include "util/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000u
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "the seccomp filter knows x86-64 and aarch64"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the seccomp filter reads arguments as little-endian"
#endif

#define MAX_FILES 32
#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

/* ---- the table */

enum verdict {
	NO,      /* EPERM */
	OK,
	CLEAR,   /* ok while none of these bits is set in that argument, else EACCES */
	SELF,    /* ok when that argument is our process id, else as BAD */
	SHUT,    /* EACCES; with report_open as BAD */
	BAD,     /* SIGSYS */
};
struct rule {
	int nr;
	enum verdict first, second;
	int arg;
	uint32_t bits;
	const char *name;
};

#define BOTH(call) { __NR_##call, OK, OK, 0, 0, #call }
#define FIRST(call) { __NR_##call, OK, NO, 0, 0, #call }
#define READS(call, flags) { __NR_##call, CLEAR, SHUT, flags, WRITES, #call }
#define NEVER(call) { __NR_##call, BAD, BAD, 0, 0, #call }

static const struct rule rules[] = {
	/* the wire */
	BOTH(read), BOTH(write),
	/* memory: executable only until the plugin is loaded */
	{ __NR_mmap, OK, CLEAR, 2, PROT_EXEC, "mmap" }, { __NR_mprotect, OK, CLEAR, 2, PROT_EXEC, "mprotect" },
	BOTH(munmap), BOTH(mremap), BOTH(madvise), BOTH(brk),
	/* time and randomness, where libc does not get them without a call */
	BOTH(clock_gettime), BOTH(clock_getres), BOTH(gettimeofday), BOTH(getrandom),
	/* the end, also by abort() */
	BOTH(exit), BOTH(exit_group), { __NR_tgkill, SELF, SELF, 0, 0, "tgkill" },
	BOTH(rt_sigprocmask), BOTH(rt_sigreturn), BOTH(restart_syscall),
	/* harmless questions and what libraries are made of */
	BOTH(getpid), BOTH(gettid), BOTH(getuid), BOTH(geteuid), BOTH(getgid), BOTH(getegid), BOTH(sysinfo), BOTH(futex),
	BOTH(sched_yield), BOTH(close), BOTH(fstat), BOTH(lseek),
	/* loading a library, and our own preparations */
	READS(openat, 2), FIRST(newfstatat), FIRST(pread64), FIRST(readv), FIRST(getcwd), FIRST(readlinkat), FIRST(faccessat),
	FIRST(fcntl), FIRST(getdents64), FIRST(rt_sigaction), FIRST(sigaltstack), FIRST(seccomp), FIRST(uname),
#ifdef __NR_open
	READS(open, 1), FIRST(readlink), FIRST(access), FIRST(stat), FIRST(lstat), BOTH(time),
	FIRST(arch_prctl),
#endif
#ifdef __NR_statx
	FIRST(statx),
#endif
#ifdef __NR_faccessat2
	FIRST(faccessat2),
#endif
	/* nothing that a plugin could want honestly */
	NEVER(socket), NEVER(socketpair), NEVER(connect), NEVER(bind), NEVER(listen), NEVER(accept), NEVER(accept4),
	NEVER(execve), NEVER(execveat), NEVER(clone), NEVER(kill), NEVER(tkill), NEVER(rt_sigqueueinfo),
	NEVER(rt_tgsigqueueinfo), NEVER(ptrace), NEVER(process_vm_readv), NEVER(process_vm_writev), NEVER(kcmp),
	NEVER(perf_event_open), NEVER(bpf), NEVER(userfaultfd), NEVER(keyctl), NEVER(add_key), NEVER(request_key),
	NEVER(mount), NEVER(umount2), NEVER(chroot), NEVER(pivot_root), NEVER(unshare), NEVER(setns), NEVER(init_module),
	NEVER(finit_module), NEVER(setuid), NEVER(setgid), NEVER(setresuid), NEVER(setresgid), NEVER(capset),
#ifdef __NR_fork
	NEVER(fork), NEVER(vfork),
#endif
#ifdef __NR_clone3
	NEVER(clone3),
#endif
#ifdef __NR_pidfd_open
	NEVER(pidfd_open),
#endif
#ifdef __NR_pidfd_send_signal
	NEVER(pidfd_send_signal),
#endif
#ifdef __NR_pidfd_getfd
	NEVER(pidfd_getfd),
#endif
#ifdef __NR_io_uring_setup
	NEVER(io_uring_setup),
#endif
};

const char *
cs_confine_syscall_name(int nr)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(rules); i++)
		if (rules[i].nr == nr)
			return rules[i].name;
	return NULL;
}

/* ---- a filter */

#define ACT_REPORT SECCOMP_RET_TRAP
#define ACT_ERROR(e) (SECCOMP_RET_ERRNO | ((e) & SECCOMP_RET_DATA))
#ifdef CS_SANITIZED
#define ACT_UNKNOWN SECCOMP_RET_ALLOW
#define ACT_NO SECCOMP_RET_ALLOW
#else
#define ACT_UNKNOWN ACT_ERROR(EPERM)
#define ACT_NO ACT_ERROR(EPERM)
#endif

struct program {
	struct sock_filter v[CS_ARRAY_LEN(rules) * 7 + 16];
	unsigned short n;
};

static void
put(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	p->v[p->n++] = (struct sock_filter)BPF_JUMP(code, k, jt, jf);
}

static void
load(struct program *p, size_t offset)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
unless_equal(struct program *p, uint32_t k, uint8_t skip)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, k, 0, skip);
}

static void
give(struct program *p, uint32_t action)
{
	put(p, BPF_RET | BPF_K, action, 0, 0);
}

static size_t
low_word(int arg)
{
	return offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (size_t)arg;
}

static void
put_rule(struct program *p, const struct rule *r, bool second, bool report_open)
{
	enum verdict v = second ? r->second : r->first;

	switch (v) {
	case CLEAR:
		unless_equal(p, (uint32_t)r->nr, 4);
		load(p, low_word(r->arg));
		put(p, BPF_JMP | BPF_JSET | BPF_K, r->bits, 1, 0);
		give(p, SECCOMP_RET_ALLOW);
		give(p, ACT_ERROR(EACCES));
		break;
	case SELF:
		unless_equal(p, (uint32_t)r->nr, 6);
		load(p, low_word(r->arg) + sizeof(uint32_t));
		unless_equal(p, 0, 3);
		load(p, low_word(r->arg));
		unless_equal(p, (uint32_t)getpid(), 1);
		give(p, SECCOMP_RET_ALLOW);
		give(p, ACT_REPORT);
		break;
	default:
		unless_equal(p, (uint32_t)r->nr, 1);
		give(p, v == OK                            ? SECCOMP_RET_ALLOW
		        : v == BAD                         ? ACT_REPORT
		        : v == SHUT                        ? (report_open ? ACT_REPORT : ACT_ERROR(EACCES))
		                                           : ACT_NO);
	}
}

static int
install(bool second, bool report_open, struct cs_err *err)
{
	struct program p = { .n = 0 };
	struct sock_fprog prog = { .filter = p.v };

	load(&p, offsetof(struct seccomp_data, arch));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	give(&p, SECCOMP_RET_KILL_PROCESS);
	load(&p, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
	put(&p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	give(&p, SECCOMP_RET_KILL_PROCESS);
#endif
	for (size_t i = 0; i < CS_ARRAY_LEN(rules); i++)
		put_rule(&p, &rules[i], second, report_open);
	give(&p, ACT_UNKNOWN);
	prog.len = p.n;
	if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
		return cs_err_set(err, CS_EIO, "seccomp: the filter of stage %d was refused: %s", second ? 2 : 1, strerror(errno));
	return 0;
}

/* ---- landlock. The numbers are those of the kernel's header, which may be older than the kernel. */

#define LL_CREATE __NR_landlock_create_ruleset
#define LL_ASK_VERSION 1u
#define LL_PATH_BENEATH 1
#define LL_READ_FILE (UINT64_C(1) << 2)
#define LL_READ_DIR (UINT64_C(1) << 3)

struct ll_ruleset {
	uint64_t fs, net, scoped;
};
struct ll_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static const char *const libraries[] = { "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", NULL };

int
cs_confine_landlock_abi(void)
{
	long abi = syscall(LL_CREATE, NULL, 0, LL_ASK_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* Everything that this ABI can deny is denied. */
static int
ruleset_of(int abi)
{
	struct ll_ruleset r = { .fs = (UINT64_C(1) << 13) - 1 };
	size_t size = abi >= 6 ? sizeof(r) : abi >= 4 ? offsetof(struct ll_ruleset, scoped) : offsetof(struct ll_ruleset, net);

	if (abi >= 2)
		r.fs |= UINT64_C(1) << 13; /* refer */
	if (abi >= 3)
		r.fs |= UINT64_C(1) << 14; /* truncate */
	if (abi >= 5)
		r.fs |= UINT64_C(1) << 15; /* ioctl on devices */
	if (abi >= 4)
		r.net = 3; /* bind and connect TCP */
	if (abi >= 6)
		r.scoped = 3; /* abstract unix sockets and signals */
	return (int)syscall(LL_CREATE, &r, size, 0);
}

/* What is not there needs no rule. */
static int
allow_reading(int ruleset, const char *path, struct cs_err *err)
{
	struct ll_beneath b = { .allowed = LL_READ_FILE };
	struct stat st;
	int rc = 0;

	if ((b.fd = open(path, O_PATH | O_CLOEXEC)) < 0)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR
		           ? 0
		           : cs_err_set(err, CS_EIO, "landlock: %s: %s", path, strerror(errno));
	if (fstat(b.fd, &st) == 0 && S_ISDIR(st.st_mode))
		b.allowed |= LL_READ_DIR;
	if (syscall(__NR_landlock_add_rule, ruleset, LL_PATH_BENEATH, &b, 0) != 0)
		rc = cs_err_set(err, CS_EIO, "landlock: %s: %s", path, strerror(errno));
	close(b.fd);
	return rc;
}

static int
allow_all(int ruleset, const char *const *paths, struct cs_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && paths != NULL && paths[i] != NULL; i++)
		rc = allow_reading(ruleset, paths[i], err);
	return rc;
}

static int
landlock(int abi, const char *const *read_also, struct cs_err *err)
{
	int ruleset = ruleset_of(abi), rc;

	if (ruleset < 0)
		return cs_err_set(err, CS_EIO, "landlock: no rule set of ABI %d: %s", abi, strerror(errno));
	if ((rc = allow_all(ruleset, libraries, err)) == 0 && (rc = allow_all(ruleset, read_also, err)) == 0 &&
	    syscall(__NR_landlock_restrict_self, ruleset, 0) != 0)
		rc = cs_err_set(err, CS_EIO, "landlock: could not be put into force: %s", strerror(errno));
	close(ruleset);
	return rc;
}

/* ---- limits */

/* Bytes of address space in use; 0 when nobody can tell. */
static uint64_t
mapped_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Never more than it was. */
static int
limit(int what, const char *name, uint64_t max, struct cs_err *err)
{
	struct rlimit old, new = { max, max };

	if (getrlimit(what, &old) == 0 && old.rlim_max < max)
		new.rlim_cur = new.rlim_max = old.rlim_max;
	if (setrlimit(what, &new) != 0)
		return cs_err_set(err, CS_EIO, "limit of %s: %s", name, strerror(errno));
	return 0;
}

static int
limit_memory(int64_t memory, struct cs_err *err)
{
	uint64_t now = mapped_bytes();

	if (memory == 0)
		return 0;
	if (now == 0)
		return cs_err_set(err, CS_EIO, "limit of memory: /proc/self/statm cannot be read");
	return limit(RLIMIT_AS, "memory", now + (uint64_t)memory, err);
}

/* ---- both stages */

int
cs_confine_begin(const struct cs_confine_conf *conf, struct cs_confine_report *report, struct cs_err *err)
{
	int rc;

	*report = (struct cs_confine_report){ .landlock = cs_confine_landlock_abi() };
	if ((rc = limit_memory(conf->memory, err)) < 0 || (rc = limit(RLIMIT_CORE, "core dumps", 0, err)) < 0 ||
	    (rc = limit(RLIMIT_NOFILE, "open files", MAX_FILES, err)) < 0 ||
	    (rc = limit(RLIMIT_NPROC, "processes", 0, err)) < 0)
		return rc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return cs_err_set(err, CS_EIO, "prctl: %s", strerror(errno));
	report->memory = conf->memory;
	if (report->landlock > 0 && (rc = landlock(report->landlock, conf->read, err)) < 0)
		return rc;
	if ((rc = install(false, conf->report_open, err)) < 0)
		return rc;
	report->seccomp = 1;
	return 0;
}

int
cs_confine_finish(const struct cs_confine_conf *conf, struct cs_confine_report *report, struct cs_err *err)
{
	int rc = install(true, conf->report_open, err);

	if (rc == 0)
		report->seccomp = 2;
	return rc;
}
