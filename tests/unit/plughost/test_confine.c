/* SPDX-License-Identifier: Apache-2.0 */
/* test_confine.c - what a confined process can still do. Each case is tried in a child of its own. */
#include "config.h"
#include "plughost/confine.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY (64 << 20)

static const char *const folders[] = { TEST_PLUGINS, NULL };
static struct cs_confine_conf conf;
static struct cs_confine_report report;
static int abi; /* of landlock */

static void
setup(void)
{
	abi = cs_confine_landlock_abi();
	conf = (struct cs_confine_conf){ .read = folders };
}

/*
 * What became of a child that did this in that stage: the status it returned, or 1000 + the signal that ended it. Without
 * _exit the leak checker would want to trace the child.
 */
static int
outcome(int stage, int (*what)(void))
{
	struct cs_err err = { 0 };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSYS, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		if (cs_confine_begin(&conf, &report, &err) < 0 || (stage == 2 && cs_confine_finish(&conf, &report, &err) < 0))
			_exit(99);
		_exit(what());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

#define KILLED_BY(sig) (1000 + (sig))

/* ---- what is never wanted */

static int
opens_a_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static int
runs_a_program(void)
{
	char *const argv[] = { (char *)(uintptr_t)"true", NULL };

	execve("/bin/true", argv, NULL);
	return errno;
}

static int
forks(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0 ? 0 : errno;
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
starts_a_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL);
}

static int
kills_its_parent(void)
{
	return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int
signals_another_thread_group(void)
{
	return syscall(SYS_tgkill, 1, 1, 0) == 0 ? 0 : errno;
}

static int
traces(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : errno;
}

static int (*const forbidden[])(void) = {
	opens_a_socket, runs_a_program, forks, starts_a_thread, kills_its_parent, signals_another_thread_group, traces,
};

START_TEST(what_no_plugin_needs_ends_as_a_signal_that_can_be_named)
{
	ck_assert_int_eq(outcome(1, forbidden[_i]), KILLED_BY(SIGSYS));
	ck_assert_int_eq(outcome(2, forbidden[_i]), KILLED_BY(SIGSYS));
}
END_TEST

START_TEST(the_table_names_what_it_reports)
{
	ck_assert_str_eq(cs_confine_syscall_name(SYS_socket), "socket");
	ck_assert_str_eq(cs_confine_syscall_name(SYS_ptrace), "ptrace");
	ck_assert_ptr_null(cs_confine_syscall_name(100000));
}
END_TEST

#ifdef __x86_64__
static int
speaks_x32(void)
{
	syscall(0x40000000 | SYS_getpid);
	return 0;
}

START_TEST(another_set_of_call_numbers_is_not_a_way_around)
{
	ck_assert_int_eq(outcome(1, speaks_x32), KILLED_BY(SIGSYS));
}
END_TEST
#endif

static int
aborts(void)
{
	abort();
}

START_TEST(abort_still_works)
{
	ck_assert_int_eq(outcome(2, aborts), KILLED_BY(SIGABRT));
}
END_TEST

/* ---- files */

static int
opened(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	return fd >= 0 ? 0 : errno;
}

static int
reads_a_library(void)
{
	return opened(TEST_PLUGINS "/always_ok.so", O_RDONLY);
}

static int
reads_a_secret(void)
{
	return opened("/etc/passwd", O_RDONLY);
}

static int
writes_to_a_library(void)
{
	return opened(TEST_PLUGINS "/always_ok.so", O_RDWR);
}

static int
makes_a_file(void)
{
	return opened(TEST_PLUGINS "/made", O_RDONLY | O_CREAT);
}

START_TEST(before_the_plugin_is_loaded_named_folders_can_be_read)
{
	ck_assert_int_eq(outcome(1, reads_a_library), 0);
	ck_assert_int_eq(outcome(1, writes_to_a_library), EACCES);
	ck_assert_int_eq(outcome(1, makes_a_file), EACCES);
}
END_TEST

START_TEST(other_files_cannot_be_read_where_the_kernel_has_landlock)
{
	ck_assert_int_eq(outcome(1, reads_a_secret), abi > 0 ? EACCES : 0);
}
END_TEST

START_TEST(afterwards_nothing_can_be_opened)
{
	ck_assert_int_eq(outcome(2, reads_a_library), EACCES);
	conf.report_open = true;
	ck_assert_int_eq(outcome(2, reads_a_library), KILLED_BY(SIGSYS));
}
END_TEST

/* ---- code */

static int
loads_a_plugin(void)
{
	return dlopen(TEST_PLUGINS "/always_ok.so", RTLD_NOW) != NULL ? 0 : 1;
}

START_TEST(a_plugin_can_be_loaded_between_the_stages)
{
	ck_assert_int_eq(outcome(1, loads_a_plugin), 0);
	ck_assert_int_eq(outcome(2, loads_a_plugin), 1);
}
END_TEST

static int
maps_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0 : errno;
}

static int
makes_data_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

START_TEST(nothing_becomes_code_once_the_plugin_is_loaded)
{
	ck_assert_int_eq(outcome(1, maps_code), 0);
	ck_assert_int_eq(outcome(2, maps_code), EACCES);
	ck_assert_int_eq(outcome(2, makes_data_code), EACCES);
}
END_TEST

/* ---- limits */

static int
takes_memory(void)
{
	for (int mib = 0; mib < 4096; mib += 4)
		if (mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return mib > 0 && mib <= MEMORY >> 20 ? 0 : 1;
	return 2;
}

START_TEST(memory_ends_at_its_limit)
{
	conf.memory = MEMORY;
	ck_assert_int_eq(outcome(2, takes_memory), 0);
	conf.memory = 0;
	ck_assert_int_eq(outcome(2, takes_memory), 2);
}
END_TEST

#ifndef CS_SANITIZED
static int
asks_for_something_unknown(void)
{
	return setpriority(PRIO_PROCESS, 0, 1) == 0 ? 0 : errno;
}

START_TEST(what_the_table_does_not_know_is_refused)
{
	ck_assert_int_eq(outcome(1, asks_for_something_unknown), EPERM);
	ck_assert_int_eq(outcome(2, asks_for_something_unknown), EPERM);
}
END_TEST
#endif

static int
says_by_what(void)
{
	return report.landlock == abi && report.seccomp == 2 && report.memory == MEMORY ? 0 : 1;
}

START_TEST(the_report_says_by_what_it_is_held)
{
	conf.memory = MEMORY;
	ck_assert_int_eq(outcome(2, says_by_what), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("confine");
	TCase *tc = tcase_create("confine");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, what_no_plugin_needs_ends_as_a_signal_that_can_be_named, 0, CS_ARRAY_LEN(forbidden));
	tcase_add_test(tc, the_table_names_what_it_reports);
#ifdef __x86_64__
	tcase_add_test(tc, another_set_of_call_numbers_is_not_a_way_around);
#endif
	tcase_add_test(tc, abort_still_works);
	tcase_add_test(tc, before_the_plugin_is_loaded_named_folders_can_be_read);
	tcase_add_test(tc, other_files_cannot_be_read_where_the_kernel_has_landlock);
	tcase_add_test(tc, afterwards_nothing_can_be_opened);
	tcase_add_test(tc, a_plugin_can_be_loaded_between_the_stages);
	tcase_add_test(tc, nothing_becomes_code_once_the_plugin_is_loaded);
	tcase_add_test(tc, memory_ends_at_its_limit);
#ifndef CS_SANITIZED
	tcase_add_test(tc, what_the_table_does_not_know_is_refused);
#endif
	tcase_add_test(tc, the_report_says_by_what_it_is_held);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
