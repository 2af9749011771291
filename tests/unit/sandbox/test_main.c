/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what is refused, and a whole life from port file to SIGTERM. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "rig.h"

/* Run with these arguments, output thrown away; the exit status. */
static int
run(const char *const *args)
{
	char *argv[16] = { (char *)"sandbox" };
	int n = 1, status, null;
	pid_t pid;

	for (; args[n - 1] != NULL; n++)
		argv[n] = (char *)args[n - 1];
	if ((pid = fork()) == 0) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		dup2(null, 2);
		_exit(cs_sandbox_main(n, argv));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(wrong_options_are_refused_with_2)
{
	ck_assert_int_eq(run((const char *const[]){ "--lissten", "1", NULL }), 2);
	ck_assert_int_eq(run((const char *const[]){ "--listen", "127.0.0.1:99999", NULL }), 2);
	ck_assert_int_eq(run((const char *const[]){ "--lag-ms", "soon", NULL }), 2);
	ck_assert_int_eq(run((const char *const[]){ "extra", NULL }), 2);
	ck_assert_int_eq(run((const char *const[]){ "--help", NULL }), 0);
}
END_TEST

START_TEST(what_cannot_start_says_so_with_1)
{
	ck_assert_int_eq(run((const char *const[]){ "--data", "/nonexistent", NULL }), 1);
	ck_assert_int_eq(run((const char *const[]){ "--data", CS_TEST_SRCDIR "/plugins", "--crm", "nosuch", NULL }), 1);
	ck_assert_int_eq(run((const char *const[]){ "--data", CS_TEST_SRCDIR "/plugins", "--listen", "192.0.2.1:0", NULL }), 1);
	ck_assert_int_eq(run((const char *const[]){ "--data", CS_TEST_SRCDIR "/plugins", "--listen", "0", "--port-file",
	                                            "/nonexistent/port", NULL }), 1);
}
END_TEST

static unsigned
wait_for_port(const char *path)
{
	unsigned port = 0;
	FILE *f;

	for (int i = 0; i < 500 && port == 0; i++) {
		usleep(10000);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		ck_assert_int_eq(fscanf(f, "%u", &port), 1);
		fclose(f);
	}
	return port;
}

START_TEST(it_serves_until_it_is_told_to_stop)
{
	char dir[] = "/tmp/csrelay-test-XXXXXX", path[64], data[] = CS_TEST_SRCDIR "/plugins";
	struct rig r = { 0 };
	int status;
	pid_t pid;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/port", dir);
	if ((pid = fork()) == 0)
		_exit(cs_sandbox_main(8, (char *[]){ (char *)"sandbox", (char *)"--listen=127.0.0.1:0", (char *)"--data", data,
		                                     (char *)"--crm=hubspot", (char *)"--quiet", (char *)"--port-file", path, NULL }));
	ck_assert_uint_ne(r.port = wait_for_port(path), 0);
	ck_assert_str_eq(rig_at(rig_call(&r, "GET", "/_health", "", NULL), "/status"), "ok");
	ck_assert_int_eq(rig_call(&r, "GET", "/webhook/x", "", NULL)->status, 404);
	kill(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	unlink(path);
	rmdir(dir);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		wrong_options_are_refused_with_2, what_cannot_start_says_so_with_1,
		it_serves_until_it_is_told_to_stop,
	};

	return rig_run("sandbox main", NULL, NULL, tests, CS_ARRAY_LEN(tests));
}
