/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - sends leads and measures the answers: one thread, N keep-alive connections, one request at a time on each.
 *
 * As fast as the answers come, or at a fixed rate; then the time of an answer counts from when the lead was due to be sent, so that
 * a stall is not hidden by its own queue. Prints one JSON object; times in milliseconds.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "bench.h"

#define ANSWER_MAX 16384
#define CONNECTIONS_MAX 4096

struct conn {
	int fd;
	bool busy;
	uint64_t number;
	int64_t since_us;
	size_t have;
	char answer[ANSWER_MAX];
};

static struct {
	unsigned port, connections, accounts;
	const char *key, *lead, *crm, *map;
	uint64_t first, total;
	double seconds, rate;
} opt = { .connections = 64, .accounts = 1, .crm = "webhook", .total = UINT64_MAX };

static struct bench_lead lead;
static struct bench_map *map;
static struct conn *conns;
static char *request;
static size_t head_len;
static uint64_t sent, answered, statuses[600], reconnects;
static uint32_t *took_us;
static size_t took_cap;
static int64_t begun_us, until_us;
static int ep;

static void
open_conn(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	c->fd = bench_connect(opt.port);
	c->busy = false;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		bench_die("epoll: %s", strerror(errno));
}

static void
make_request(void)
{
	char head[512];

	bench_lead_init(&lead, opt.lead, opt.crm, "acct");
	head_len = (size_t)snprintf(head, sizeof(head), "POST /v1/leads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	    "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n", opt.key, lead.len);
	request = malloc(head_len + lead.len + 1);
	if (head_len >= sizeof(head) || request == NULL)
		bench_die("the key is too long");
	memcpy(request, head, head_len);
	memcpy(request + head_len, lead.text, lead.len + 1);
	free(lead.text);
	lead.text = request + head_len;
}

static void
send_lead(struct conn *c, int64_t since_us)
{
	size_t len = head_len + lead.len;
	struct bench_row *row;

	c->number = opt.first + sent;
	c->since_us = since_us;
	c->have = 0;
	c->busy = true;
	bench_lead_number(&lead, c->number, (unsigned)(c->number % opt.accounts));
	if ((row = bench_map_row(map, c->number)) != NULL)
		row->sent_us = since_us;
	if (write(c->fd, request, len) != (ssize_t)len)
		bench_die("a lead could not be sent: %s", strerror(errno));
	sent++;
}

static void
note_time(int64_t us)
{
	if (answered == took_cap) {
		took_cap = took_cap > 0 ? took_cap * 2 : 1u << 16;
		if ((took_us = realloc(took_us, took_cap * sizeof(*took_us))) == NULL)
			bench_die("no memory");
	}
	took_us[answered++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

/* Is the answer whole? */
static bool
whole(struct conn *c)
{
	const char *end, *length;

	c->answer[c->have] = '\0';
	if ((end = strstr(c->answer, "\r\n\r\n")) == NULL)
		return false;
	length = strcasestr(c->answer, "\r\ncontent-length:");
	return length != NULL && c->have >= (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
}

static void
take_answer(struct conn *c)
{
	int status = atoi(c->answer + 9);
	int64_t now_us = bench_now_us();
	struct bench_row *row = bench_map_row(map, c->number);

	statuses[status > 0 && status < 600 ? status : 0]++;
	note_time(now_us - c->since_us);
	if (row != NULL)
		row->answered_us = now_us;
	c->busy = false;
}

static bool
readable(struct conn *c)
{
	ssize_t n = read(c->fd, c->answer + c->have, sizeof(c->answer) - 1 - c->have);

	if (n <= 0) {
		if (c->busy)
			bench_die("a connection ended without an answer");
		close(c->fd);
		reconnects++;
		open_conn(c);
		return false;
	}
	c->have += (size_t)n;
	if (!whole(c))
		return false;
	take_answer(c);
	return true;
}

static bool
more(void)
{
	return sent < opt.total && (until_us == 0 || bench_now_us() < until_us);
}

static void
run_at_will(void)
{
	struct epoll_event got[256];

	for (unsigned i = 0; i < opt.connections && more(); i++)
		send_lead(&conns[i], bench_now_us());
	while (answered < sent) {
		int n = epoll_wait(ep, got, 256, 30000);

		if (n == 0)
			bench_die("no answer for 30 s; %llu of %llu came", (unsigned long long)answered, (unsigned long long)sent);
		for (int i = 0; i < n; i++) {
			struct conn *c = got[i].data.ptr;

			if (readable(c) && more())
				send_lead(c, bench_now_us());
		}
	}
}

static int64_t
due_us(void)
{
	return begun_us + (int64_t)((double)sent * 1e6 / opt.rate);
}

static void
send_what_is_due(void)
{
	for (unsigned i = 0; i < opt.connections && more() && due_us() <= bench_now_us(); i++)
		if (!conns[i].busy)
			send_lead(&conns[i], due_us());
}

static void
set_timer(int timer)
{
	int64_t at = due_us();
	struct itimerspec its = { .it_value = { at / 1000000, at % 1000000 * 1000 } };

	timerfd_settime(timer, TFD_TIMER_ABSTIME, &its, NULL);
}

static void
run_at_rate(void)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct epoll_event got[256], ev = { .events = EPOLLIN };
	uint64_t ticks;

	if (timer < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, timer, &ev) < 0)
		bench_die("no timer: %s", strerror(errno));
	set_timer(timer);
	while (more() || answered < sent) {
		int n = epoll_wait(ep, got, 256, 30000);

		if (n == 0)
			bench_die("no answer for 30 s");
		for (int i = 0; i < n; i++) {
			if (got[i].data.ptr != NULL)
				readable(got[i].data.ptr);
			else if (read(timer, &ticks, sizeof(ticks)) < 0)
				continue;
		}
		send_what_is_due();
		set_timer(timer);
	}
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
at_part(double part)
{
	return answered == 0 ? 0 : (double)took_us[(size_t)((double)(answered - 1) * part)] / 1e3;
}

static void
report(double seconds, double cpu_us)
{
	const char *comma = "";

	if (answered > 0)
		qsort(took_us, answered, sizeof(*took_us), by_size);
	printf("{\"sent\":%llu,\"seconds\":%.6f,\"per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"worst_ms\":%.3f,"
	       "\"cpu_us_per_lead\":%.3f,\"reconnects\":%llu,\"bytes\":%zu,\"status\":{",
	       (unsigned long long)answered, seconds, (double)answered / seconds, at_part(0.5), at_part(0.99), at_part(0.999), at_part(1),
	       answered > 0 ? cpu_us / (double)answered : 0, (unsigned long long)reconnects, lead.len);
	for (size_t i = 0; i < 600; i++)
		if (statuses[i] > 0) {
			printf("%s\"%zu\":%llu", comma, i, (unsigned long long)statuses[i]);
			comma = ",";
		}
	puts("}}");
}

static void
read_options(int argc, char **argv)
{
	static const struct option longs[] = { { "port", 1, NULL, 'p' }, { "connections", 1, NULL, 'c' }, { "accounts", 1, NULL, 'a' },
		{ "key", 1, NULL, 'k' }, { "lead", 1, NULL, 'l' }, { "crm", 1, NULL, 'm' }, { "first", 1, NULL, 'f' },
		{ "total", 1, NULL, 'n' }, { "seconds", 1, NULL, 's' }, { "rate", 1, NULL, 'r' }, { "map", 1, NULL, 't' }, { NULL, 0, NULL, 0 } };
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 'p': opt.port = (unsigned)bench_number(optarg, "--port"); break;
		case 'c': opt.connections = (unsigned)bench_number(optarg, "--connections"); break;
		case 'a': opt.accounts = (unsigned)bench_number(optarg, "--accounts"); break;
		case 'k': opt.key = optarg; break;
		case 'l': opt.lead = optarg; break;
		case 'm': opt.crm = optarg; break;
		case 'f': opt.first = bench_number(optarg, "--first"); break;
		case 'n': opt.total = bench_number(optarg, "--total"); break;
		case 's': opt.seconds = strtod(optarg, NULL); break;
		case 'r': opt.rate = strtod(optarg, NULL); break;
		case 't': opt.map = optarg; break;
		default: exit(2);
		}
	}
	if (opt.port == 0 || opt.key == NULL || opt.lead == NULL || opt.accounts == 0 || opt.connections == 0 ||
	    opt.connections > CONNECTIONS_MAX || (opt.total == UINT64_MAX && opt.seconds <= 0))
		bench_die("usage: load --port N --key KEY --lead FILE {--total N | --seconds S} [--rate PER_S] [--connections N] "
		          "[--crm NAME] [--accounts N] [--first N] [--map FILE]");
}

int
main(int argc, char **argv)
{
	double cpu_us;

	read_options(argc, argv);
	make_request();
	map = bench_map_open(opt.map);
	ep = epoll_create1(EPOLL_CLOEXEC);
	if ((conns = calloc(opt.connections, sizeof(*conns))) == NULL)
		bench_die("no memory");
	for (unsigned i = 0; i < opt.connections; i++)
		open_conn(&conns[i]);
	cpu_us = bench_cpu_us();
	begun_us = bench_now_us();
	if (opt.seconds > 0)
		until_us = begun_us + (int64_t)(opt.seconds * 1e6);
	if (opt.rate > 0)
		run_at_rate();
	else
		run_at_will();
	report((double)(bench_now_us() - begun_us) / 1e6, bench_cpu_us() - cpu_us);
	return 0;
}
