/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink.c - a receiver that costs next to nothing: takes requests, notes when each lead arrived, answers by a table.
 *
 *   sink --port-file FILE [--port N] [--map FILE]
 *
 * It is every CRM that the benchmarks need: a webhook's 200, and the answers that HubSpot gives when a caller is new (nothing found,
 * contact made, note made). Ids are numbered; what account a token belongs to is the number at the token's end.
 *
 * On SIGTERM it prints one JSON object: requests and its own CPU time for each.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"

#define FDS_MAX 4096
#define WEBHOOK_ID "\r\nwebhook-id:"

struct row;
static struct state { /* of a connection, by its descriptor */
	char *head;      /* a head that came in parts; NULL */
	size_t have;
	size_t missing;  /* bytes of the body still to come */
	const struct row *row; /* how the request under way is answered, with which number */
	unsigned long long number;
} states[FDS_MAX];

static struct bench_map *map;
static uint64_t requests;
static volatile sig_atomic_t ended;
static char buf[1u << 18];

static void
on_signal(int sig)
{
	ended = sig;
}

static void
note(const char *head)
{
	const char *id = strcasestr(head, WEBHOOK_ID);
	struct bench_row *row;
	int64_t now_us = bench_now_us();

	requests++;
	if (map == NULL)
		return;
	map->seen = requests;
	map->last_seen_us = now_us;
	if (map->first_seen_us == 0)
		map->first_seen_us = now_us;
	if (id == NULL || strlen(id) < sizeof(WEBHOOK_ID) + 36)
		return;
	id += sizeof(WEBHOOK_ID) - 1;
	id += *id == ' ';
	if ((row = bench_map_row(map, strtoull(id + 24, NULL, 10))) != NULL && row->seen_us == 0) {
		row->seen_us = now_us;
		map->distinct++;
	}
}

enum number { NONE, OWN, ACCOUNT };
static const struct row { /* the first whose method and path fit; a number stands between the two parts of the body */
	const char *method, *path;
	int status;
	const char *body, *rest;
	enum number number;
} rows[] = {
	{ "POST", "/contacts/search ", 200, "{\"total\":0,\"results\":[]}", "", NONE },
	{ "POST", "/contacts ", 201, "{\"id\":\"", "\",\"properties\":{},\"archived\":false}", OWN },
	{ "POST", "/notes ", 201, "{\"id\":\"", "\",\"properties\":{},\"archived\":false}", OWN },
	{ "GET", "/details ", 200, "{\"portalId\":", ",\"timeZone\":\"America/New_York\",\"companyCurrency\":\"USD\"}", ACCOUNT },
	{ "", "", 200, "{}", "", NONE },
};

static const struct row *
row_for(const char *head)
{
	const struct row *r = rows;

	while (strncmp(head, r->method, strlen(r->method)) != 0 || (r->path[0] != '\0' && memmem(head, strcspn(head, "\r"), r->path, strlen(r->path)) == NULL))
		r++;
	return r;
}

/* The number at the end of the bearer token. */
static unsigned long long
account_of(const char *head)
{
	const char *at = strcasestr(head, "\r\nauthorization:"), *end = at != NULL ? strchr(at + 2, '\r') : NULL;

	if (at == NULL)
		return 0;
	end = end != NULL ? end : at + strlen(at);
	while (end > at && end[-1] >= '0' && end[-1] <= '9')
		end--;
	return 1000 + strtoull(end, NULL, 10);
}

static void
answer(int fd, const struct state *s)
{
	char text[512], number[24] = "";
	size_t len;
	int n;

	if (s->row->number != NONE)
		snprintf(number, sizeof(number), "%llu", s->number);
	len = strlen(s->row->body) + strlen(number) + strlen(s->row->rest);
	n = snprintf(text, sizeof(text), "HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s%s%s", s->row->status,
	             len, s->row->body, number, s->row->rest);
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) < 0)
		shutdown(fd, SHUT_RDWR);
}

static void
end_conn(int fd)
{
	free(states[fd].head);
	states[fd] = (struct state){ 0 };
	close(fd);
}

/* A head that ended: note it, and begin on its body. Returns where the body begins. */
static char *
begin_request(struct state *s, char *p)
{
	char *end = strstr(p, "\r\n\r\n");
	const char *length;

	if (end == NULL)
		return NULL;
	*end = '\0';
	length = strcasestr(p, "\r\ncontent-length:");
	s->missing = length != NULL ? strtoul(length + 17, NULL, 10) : 0;
	note(p);
	s->row = row_for(p);
	s->number = s->row->number == ACCOUNT ? account_of(p) : 100000 + requests;
	return end + 4;
}

static void
keep_rest(struct state *s, const char *p, size_t n)
{
	char *copy = malloc(n + 1);

	if (copy == NULL)
		bench_die("no memory");
	memcpy(copy, p, n);
	s->head = copy;
	s->have = n;
}

static void
take(int fd, char *p, size_t n)
{
	struct state *s = &states[fd];

	while (n > 0) {
		size_t part;

		if (s->missing == 0) {
			char *body = begin_request(s, p);

			if (body == NULL) {
				keep_rest(s, p, n);
				return;
			}
			n -= (size_t)(body - p);
			p = body;
		}
		part = n < s->missing ? n : s->missing;
		s->missing -= part;
		p += part;
		n -= part;
		if (s->missing == 0)
			answer(fd, s);
	}
}

static void
readable(int fd)
{
	struct state *s = &states[fd];
	size_t had = s->have;
	ssize_t n;

	if (had > 0)
		memcpy(buf, s->head, had);
	free(s->head);
	s->head = NULL;
	s->have = 0;
	n = recv(fd, buf + had, sizeof(buf) - 1 - had, 0);
	if (n <= 0) {
		end_conn(fd);
		return;
	}
	buf[had + (size_t)n] = '\0';
	take(fd, buf, had + (size_t)n);
}

static void
serve(int listener)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = listener }, got[256];

	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
	while (!ended) {
		int n = epoll_wait(ep, got, 256, 1000);

		for (int i = 0; i < n; i++) {
			if (got[i].data.fd != listener) {
				readable(got[i].data.fd);
				continue;
			}
			ev.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (ev.data.fd >= FDS_MAX)
				close(ev.data.fd);
			else if (ev.data.fd >= 0)
				epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
		}
	}
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "port", 1, NULL, 'p' }, { "port-file", 1, NULL, 'f' }, { "map", 1, NULL, 't' },
		{ NULL, 0, NULL, 0 } };
	const char *port_file = NULL;
	unsigned port = 0;
	int o, fd;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 'p': port = (unsigned)bench_number(optarg, "--port"); break;
		case 'f': port_file = optarg; break;
		case 't': map = bench_map_open(optarg); break;
		default: return 2;
		}
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	fd = bench_listen(&port);
	if (port_file != NULL)
		bench_write_port(port_file, port);
	serve(fd);
	printf("{\"requests\":%llu,\"cpu_us_per_request\":%.3f}\n", (unsigned long long)requests,
	       requests > 0 ? bench_cpu_us() / (double)requests : 0);
	return 0;
}
