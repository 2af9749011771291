/* SPDX-License-Identifier: Apache-2.0 */
/* common.c - the parts of the bench programs that all of them need; see bench.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"

#define EVENT_ID "0be7c400-0000-4000-8000-"
#define DIGITS_EVENT 12
#define DIGITS_PHONE 10
#define DIGITS_ACCOUNT 6
#define FIRST_PHONE 3050000000u
#define PLAIN (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

void
bench_die(const char *fmt, ...)
{
	va_list ap;

	fputs("bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* ---- the lead */

static void
set(json_object *doc, const char *group, const char *key, const char *value)
{
	json_object *o = doc;

	if (group != NULL && !json_object_object_get_ex(doc, group, &o))
		bench_die("the sample lead has no %s", group);
	json_object_object_add(o, key, json_object_new_string(value));
}

static size_t
place(const struct bench_lead *l, const char *text)
{
	const char *at = strstr(l->text, text);

	if (at == NULL)
		bench_die("the sample lead lost its %s", text);
	return (size_t)(at - l->text) + strlen(text);
}

/* A call that has just ended: the links of an old one would count as expired. */
static void
set_times(json_object *doc)
{
	time_t end = time(NULL), start = end - 142;
	char text[32];

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&end));
	set(doc, NULL, "timestamp_utc", text);
	set(doc, "call", "ended_at", text);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&start));
	set(doc, "call", "started_at", text);
}

/* Longer by what is missing to BENCH_BODY bytes. */
static void
pad(json_object *doc)
{
	size_t len = strlen(json_object_to_json_string_ext(doc, PLAIN)), i;
	char text[BENCH_BODY];
	json_object *call, *was;

	if (!json_object_object_get_ex(doc, "call", &call) || !json_object_object_get_ex(call, "transcript_summary", &was) ||
	    len + (size_t)json_object_get_string_len(was) >= 2 * sizeof(text) || len >= BENCH_BODY)
		return;
	i = (size_t)snprintf(text, sizeof(text), "%s", json_object_get_string(was));
	for (size_t end = i + BENCH_BODY - len; i < end; i++)
		text[i] = i % 7 == 0 ? ' ' : 'o';
	text[i] = '\0';
	json_object_object_add(call, "transcript_summary", json_object_new_string(text));
}

void
bench_lead_init(struct bench_lead *l, const char *path, const char *crm, const char *account)
{
	json_object *doc = json_object_from_file(path), *routing = json_object_new_object();
	char text[64];

	if (doc == NULL)
		bench_die("could not read the lead in %s", path);
	set(doc, NULL, "event_id", EVENT_ID "000000000000");
	snprintf(text, sizeof(text), "%.4s_000000", account);
	set(doc, NULL, "callsetter_account_id", text);
	set(doc, "contact", "phone", "+10000000000");
	set(doc, "contact", "email", "caller.0000000000@example.com");
	json_object_object_add(routing, "destination_crm", json_object_new_string(crm));
	json_object_object_add(doc, "routing", routing);
	set_times(doc);
	pad(doc);
	l->text = strdup(json_object_to_json_string_ext(doc, PLAIN));
	json_object_put(doc);
	if (l->text == NULL)
		bench_die("no memory");
	l->len = strlen(l->text);
	l->event_id = place(l, EVENT_ID);
	snprintf(text, sizeof(text), "\"%.4s_", account);
	l->account = place(l, text);
	l->phone = place(l, "\"+1");
	l->email = place(l, "\"caller.");
}

static void
digits(char *at, int n, uint64_t value)
{
	while (n-- > 0) {
		at[n] = (char)('0' + value % 10);
		value /= 10;
	}
}

void
bench_lead_number(struct bench_lead *l, uint64_t number, unsigned account)
{
	digits(l->text + l->event_id, DIGITS_EVENT, number);
	digits(l->text + l->account, DIGITS_ACCOUNT, account);
	digits(l->text + l->phone, DIGITS_PHONE, FIRST_PHONE + number);
	digits(l->text + l->email, DIGITS_PHONE, number);
}

/* ---- the times */

struct bench_map *
bench_map_open(const char *path)
{
	struct bench_map *m;
	struct stat sb;
	int fd;

	if (path == NULL)
		return NULL;
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) < 0 || fstat(fd, &sb) < 0 || (size_t)sb.st_size < sizeof(*m))
		bench_die("%s is no file for times", path);
	m = mmap(NULL, (size_t)sb.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (m == MAP_FAILED || (size_t)sb.st_size < sizeof(*m) + m->capacity * sizeof(struct bench_row))
		bench_die("%s is too short", path);
	return m;
}

struct bench_row *
bench_map_row(struct bench_map *m, uint64_t number)
{
	return m != NULL && number >= m->base && number - m->base < m->capacity ? &m->rows[number - m->base] : NULL;
}

/* ---- the rest */

int64_t
bench_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

double
bench_cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

uint64_t
bench_number(const char *text, const char *what)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		bench_die("%s takes a number, not \"%s\"", what, text);
	return n;
}

static int
loopback_socket(unsigned port, bool listening)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		bench_die("no socket: %s", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (listening ? bind(fd, (void *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0 : connect(fd, (void *)&a, sizeof(a)) < 0)
		bench_die("port %u: %s", port, strerror(errno));
	return fd;
}

int
bench_listen(unsigned *port)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd = loopback_socket(*port, true);

	getsockname(fd, (void *)&a, &len);
	*port = ntohs(a.sin_port);
	return fd;
}

int
bench_connect(unsigned port)
{
	return loopback_socket(port, false);
}

/* Whole under another name first: who waits for it must not read half a number. */
void
bench_write_port(const char *path, unsigned port)
{
	char tmp[4096];
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	if ((f = fopen(tmp, "we")) == NULL || fprintf(f, "%u\n", port) < 0 || fclose(f) != 0 || rename(tmp, path) != 0)
		bench_die("could not write %s", path);
}
