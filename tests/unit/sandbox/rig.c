/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include "rig.h"

struct rig rig;

static void *
serve(void *arg)
{
	cs_sandbox_run(arg);
	return NULL;
}

static void
start(struct rig *r, const struct cs_sandbox_conf *given)
{
	struct cs_sandbox_conf conf = *given;
	struct cs_err err = { 0 };

	cs_clock_init_fixed(&r->clock, RIG_NOW, 1);
	conf.port = 0;
	conf.clock = &r->clock;
	ck_assert_msg(cs_sandbox_open(&r->sandbox, &conf, &err) == 0, "%s", err.msg);
	r->port = cs_sandbox_port(r->sandbox);
	ck_assert_int_eq(pthread_create(&r->thread, NULL, serve, r->sandbox), 0);
}

void
rig_start(struct rig *r, const char *const *crms, size_t keep_docs)
{
	struct cs_sandbox_conf conf = CS_SANDBOX_CONF_INIT;

	conf.data = CS_TEST_SRCDIR "/plugins";
	conf.crms = crms;
	while (crms[conf.ncrms] != NULL)
		conf.ncrms++;
	conf.keep_docs = keep_docs;
	start(r, &conf);
}

void
rig_start_text(struct rig *r, const char *json)
{
	struct cs_sandbox_conf conf = CS_SANDBOX_CONF_INIT;
	char dir[] = "/tmp/csrelay-test-XXXXXX", path[64];
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/acme.sandbox.json", dir);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	fputs(json, f);
	fclose(f);
	conf.data = dir;
	start(r, &conf);
	unlink(path);
	rmdir(dir);
}

void
rig_stop(struct rig *r)
{
	cs_sandbox_stop(r->sandbox);
	pthread_join(r->thread, NULL);
	cs_sandbox_close(r->sandbox);
}

void
rig_advance(struct rig *r, int64_t ms)
{
	cs_clock_set(&r->clock, cs_now_ms(&r->clock) + ms);
}

int
rig_connect(struct rig *r)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)r->port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

void
rig_send(int fd, const void *p, size_t n)
{
	const char *s = p;
	ssize_t k;

	for (; n > 0; s += k, n -= (size_t)k)
		ck_assert_int_gt(k = send(fd, s, n, MSG_NOSIGNAL), 0);
}

static struct answer last;

static void
forget(void)
{
	free(last.head);
	free(last.body);
	json_object_put(last.json);
	memset(&last, 0, sizeof(last));
}

/* Bytes until the end of the head, one at a time so that nothing behind it is taken. */
static bool
read_head(int fd)
{
	size_t n = 0;

	last.head = calloc(1, 16384);
	while (n < 16383) {
		ssize_t k = recv(fd, last.head + n, 1, 0);

		if (k <= 0) {
			last.ended = k == 0;
			return false;
		}
		n++;
		if (n >= 4 && memcmp(last.head + n - 4, "\r\n\r\n", 4) == 0)
			return true;
	}
	return false;
}

struct answer *
rig_read(int fd, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	const char *cl;

	forget();
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	last.body = calloc(1, 1);
	if (!read_head(fd))
		return &last;
	last.status = atoi(last.head + 9);
	cl = strstr(last.head, "Content-Length: ");
	last.announced = cl != NULL ? strtoul(cl + 16, NULL, 10) : 0;
	free(last.body);
	last.body = calloc(1, last.announced + 1);
	while (last.body_len < last.announced) {
		ssize_t k = recv(fd, last.body + last.body_len, last.announced - last.body_len, 0);

		if (k <= 0) {
			last.ended = k == 0;
			break;
		}
		last.body_len += (size_t)k;
	}
	if (last.body_len > 0)
		cs_json_parse(last.body, last.body_len, 32, &last.json, NULL);
	return &last;
}

struct answer *
rig_call_within(struct rig *r, int ms, const char *method, const char *path, const char *headers, const char *body)
{
	int fd = rig_connect(r);
	char *head = NULL;
	struct answer *a;

	ck_assert_int_gt(asprintf(&head, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%sContent-Length: %zu\r\n\r\n", method, path,
	                          r->port, headers, body != NULL ? strlen(body) : 0), 0);
	rig_send(fd, head, strlen(head));
	if (body != NULL)
		rig_send(fd, body, strlen(body));
	a = rig_read(fd, ms);
	free(head);
	close(fd);
	return a;
}

struct answer *
rig_call(struct rig *r, const char *method, const char *path, const char *headers, const char *body)
{
	return rig_call_within(r, 20000, method, path, headers, body);
}

const char *
rig_at(const struct answer *a, const char *pointer)
{
	return a->json != NULL ? cs_json_pointer_text(a->json, pointer) : "";
}

int
rig_created(struct rig *r, const char *crm, const char *collection)
{
	char path[128], pointer[128];

	snprintf(path, sizeof(path), "/_records?crm=%s&counts=1", crm);
	snprintf(pointer, sizeof(pointer), "/%s/%s/created", crm, collection);
	return atoi(rig_at(rig_call(r, "GET", path, "", NULL), pointer));
}

void
rig_fault(struct rig *r, const char *json)
{
	ck_assert_int_eq(rig_call(r, "POST", "/_faults", "", json)->status, 201);
}

void
rig_teardown(void)
{
	rig_stop(&rig);
}

int
rig_run(const char *name, SFun setup, SFun teardown, const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
