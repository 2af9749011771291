/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - a small HTTP/1.1 server on raw sockets and one epoll.
 *
 * A connection is in one of three states: reading (EPOLLIN), waiting (an answer is ready but late, or will
 * never come; only the client's leaving is watched) and writing (EPOLLOUT). One request is answered at a time;
 * what was pipelined behind it stays in the buffer. Heads above 32 KiB and bodies above 8 MiB end the
 * connection with 431 or 413. There are no idle time-outs: clients are on this machine and a held connection is
 * a fault that was asked for.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sandbox/http.h"
#include "util/clock.h"
#include "util/list.h"
#include "util/text.h"

#define MAX_CONNS 16384

struct conn {
	struct cs_list link;
	struct cs_heap_node timer;
	struct cs_sb_server *server;
	int fd;
	uint32_t events;
	char *in;
	size_t len, cap, scanned; /* scanned: no end of head before here */
	struct cs_buf out;
	size_t out_done;
	bool waiting, close_after, continued;
	bool draining; /* refused: what still comes is thrown away, so that the answer is not lost to a reset */
};

struct cs_sb_server {
	int listen_fd, epoll_fd, wake_fd;
	unsigned port;
	cs_sb_handler handler;
	void *ctx;
	struct cs_list conns;
	size_t nconns;
	struct cs_heap late;
	uint64_t next_id;
	struct cs_sb_request req;
	struct cs_sb_reply reply;
};

static void serve_buffered(struct conn *c);

/* ---- connections */

static void
conn_free(struct conn *c)
{
	struct cs_sb_server *s = c->server;

	cs_heap_del(&s->late, &c->timer);
	cs_list_del(&c->link);
	s->nconns--;
	close(c->fd);
	free(c->in);
	cs_buf_fini(&c->out);
	free(c);
}

static void
watch(struct conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events | EPOLLRDHUP, .data.ptr = c };

	if (c->events == ev.events)
		return;
	c->events = ev.events;
	epoll_ctl(c->server->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
}

static void
conn_accept(struct cs_sb_server *s)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP };
	struct conn *c;
	int fd, one = 1;

	while ((fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (s->nconns >= MAX_CONNS) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c = cs_xcalloc(1, sizeof(*c));
		c->fd = fd;
		c->server = s;
		c->events = ev.events;
		ev.data.ptr = c;
		cs_list_init(&c->link);
		cs_list_push(&s->conns, &c->link);
		s->nconns++;
		if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
			conn_free(c);
	}
}

/* ---- writing */

/* False: the connection is gone. */
static bool
flush_out(struct conn *c)
{
	ssize_t n;

	while (c->out_done < c->out.len) {
		n = send(c->fd, c->out.ptr + c->out_done, c->out.len - c->out_done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			watch(c, EPOLLOUT);
			return true;
		}
		if (n < 0) {
			conn_free(c);
			return false;
		}
		c->out_done += (size_t)n;
	}
	if (c->close_after && !c->draining) {
		shutdown(c->fd, SHUT_RDWR);
		conn_free(c);
		return false;
	}
	if (c->close_after)
		shutdown(c->fd, SHUT_WR);
	cs_buf_reset(&c->out);
	c->out_done = 0;
	watch(c, EPOLLIN);
	return true;
}

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} known[] = { { 200, "OK" },
		      { 201, "Created" },
		      { 204, "No Content" },
		      { 302, "Found" },
		      { 400, "Bad Request" },
		      { 401, "Unauthorized" },
		      { 403, "Forbidden" },
		      { 404, "Not Found" },
		      { 409, "Conflict" },
		      { 429, "Too Many Requests" },
		      { 500, "Internal Server Error" },
		      { 503, "Service Unavailable" } };

	for (size_t i = 0; i < CS_ARRAY_LEN(known); i++) {
		if (known[i].status == status)
			return known[i].text;
	}
	return "Answer";
}

static void
put_reply(struct conn *c, const struct cs_sb_reply *r)
{
	bool bodiless = r->status == 204 || r->status == 304;
	size_t send_len = r->manner == CS_SB_CUT ? r->body.len / 2 : r->body.len;

	cs_buf_printf(&c->out, "HTTP/1.1 %d %s\r\n", r->status, reason(r->status));
	if (r->type != NULL && !bodiless)
		cs_buf_printf(&c->out, "Content-Type: %s\r\n", r->type);
	if (!bodiless)
		cs_buf_printf(&c->out, "Content-Length: %zu\r\n", r->body.len);
	if (c->close_after)
		cs_buf_adds(&c->out, "Connection: close\r\n");
	cs_buf_add(&c->out, cs_buf_str(&r->headers), r->headers.len);
	cs_buf_adds(&c->out, "\r\n");
	if (!bodiless && send_len > 0)
		cs_buf_add(&c->out, r->body.ptr, send_len);
}

/* False: the connection is gone. */
static bool
answer(struct conn *c, const struct cs_sb_reply *r)
{
	if (r->manner == CS_SB_HOLD) {
		c->waiting = true;
		watch(c, 0);
		return true;
	}
	if (r->manner == CS_SB_CUT || r->manner == CS_SB_CLOSE)
		c->close_after = true;
	if (r->manner != CS_SB_CLOSE)
		put_reply(c, r);
	if (r->delay_ms <= 0)
		return flush_out(c);
	c->waiting = true;
	watch(c, 0);
	cs_heap_put(&c->server->late, &c->timer, cs_mono_us() / 1000 + r->delay_ms);
	return true;
}

static void
refuse(struct conn *c, int status)
{
	struct cs_sb_reply r = { .status = status };

	c->close_after = c->draining = true;
	c->len = 0;
	answer(c, &r);
}

/* ---- reading */

/* Too little has come. The head is parsed again with the rest: it is small and this is rare. */
static void
want_more(struct conn *c, const char *saved_head, size_t head, bool expects)
{
	memcpy(c->in, saved_head, head);
	c->scanned = head - 4;
	if (expects && !c->continued) {
		c->continued = true;
		send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
	}
	watch(c, EPOLLIN);
}

static void
reply_reset(struct cs_sb_reply *r)
{
	cs_buf_reset(&r->headers);
	cs_buf_reset(&r->body);
	r->status = 200;
	r->type = "application/json";
	r->manner = CS_SB_SEND;
	r->delay_ms = 0;
}

/* Answer one request from the buffer. False: nothing more to do now (or the connection is gone). */
static bool
serve_one(struct conn *c)
{
	struct cs_sb_server *s = c->server;
	struct cs_sb_request *req = &s->req;
	char *eoh = memmem(c->in + c->scanned, c->len - c->scanned, "\r\n\r\n", 4), saved[CS_SB_MAX_HEAD];
	const char *connection;
	size_t head, used;
	bool http10;
	char behind;
	int rc;

	if (eoh == NULL) {
		c->scanned = c->len > 3 ? c->len - 3 : 0;
		if (c->len > CS_SB_MAX_HEAD)
			refuse(c, 431);
		return false;
	}
	head = (size_t)(eoh - c->in) + 4;
	if (head > sizeof(saved)) {
		refuse(c, 431);
		return false;
	}
	memcpy(saved, c->in, head);
	if ((rc = cs_sb_parse_head(req, c->in, head, &http10)) != 0 ||
	    (rc = cs_sb_find_body(req, c->in + head, c->len - head, &used)) < 0) {
		refuse(c, abs(rc));
		return false;
	}
	if (rc == 0) {
		want_more(c, saved, head, cs_sb_header(req, "expect") != NULL);
		return false;
	}
	connection = cs_sb_header(req, "connection");
	c->close_after = connection != NULL ? strcasecmp(connection, "close") == 0 : http10;
	req->id = ++s->next_id;
	req->body = c->in + head;
	behind = c->in[head + req->body_len];
	c->in[head + req->body_len] = '\0';
	reply_reset(&s->reply);
	s->handler(s->ctx, req, &s->reply);
	if (strcmp(req->method, "HEAD") == 0)
		cs_buf_reset(&s->reply.body);
	c->in[head + req->body_len] = behind;
	c->len -= head + used;
	memmove(c->in, c->in + head + used, c->len);
	c->scanned = 0;
	c->continued = false;
	return answer(c, &s->reply) && !c->waiting && c->out.len == 0 && c->len > 0;
}

static void
serve_buffered(struct conn *c)
{
	while (serve_one(c))
		;
}

static void
conn_read(struct conn *c)
{
	ssize_t n;

	if (c->cap - c->len < 4096) {
		c->cap = c->cap == 0 ? 8192 : c->cap * 2;
		c->in = cs_xrealloc(c->in, c->cap + 1);
	}
	n = recv(c->fd, c->in + c->len, c->cap - c->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_free(c);
		return;
	}
	if (c->draining)
		return;
	c->len += (size_t)n;
	serve_buffered(c);
}

static void
conn_event(struct conn *c, uint32_t events)
{
	if ((events & (EPOLLERR | EPOLLHUP)) || ((events & EPOLLRDHUP) && c->waiting)) {
		conn_free(c);
		return;
	}
	if (events & EPOLLOUT) {
		if (flush_out(c) && c->out.len == 0 && c->len > 0)
			serve_buffered(c);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP))
		conn_read(c);
}

/* ---- the loop */

static int
send_late(struct cs_sb_server *s)
{
	struct cs_heap_node *n;
	int64_t left;

	while ((n = cs_heap_min(&s->late)) != NULL) {
		struct conn *c = CS_CONTAINER(n, struct conn, timer);

		left = n->key - cs_mono_us() / 1000;
		if (left > 0)
			return left > 60000 ? 60000 : (int)left;
		cs_heap_del(&s->late, n);
		c->waiting = false;
		if (flush_out(c) && c->out.len == 0 && c->len > 0)
			serve_buffered(c);
	}
	return -1;
}

void
cs_sb_server_run(struct cs_sb_server *s)
{
	struct epoll_event ev[128];
	int n;

	for (;;) {
		n = epoll_wait(s->epoll_fd, ev, (int)CS_ARRAY_LEN(ev), send_late(s));
		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr == &s->wake_fd)
				return;
			if (ev[i].data.ptr == &s->listen_fd)
				conn_accept(s);
			else
				conn_event(ev[i].data.ptr, ev[i].events);
		}
	}
}

void
cs_sb_server_stop(struct cs_sb_server *s)
{
	uint64_t one = 1;
	ssize_t n = write(s->wake_fd, &one, sizeof(one));

	(void)n; /* can only fail when the wake-up is there already */
}

static int
bind_loopback(int fd, const char *host, unsigned port, struct cs_err *err)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int one = 1;

	if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &v4.sin_addr) != 1)
		return cs_err_set(err, CS_EINVAL, "\"%s\" is no IPv4 address", host);
	if (ntohl(v4.sin_addr.s_addr) >> 24 != 127) {
		cs_err_set(err, CS_EPERM, "the sandbox listens on loopback only, not on %s", host);
		cs_err_hint(err, "it has no protection of its own: choose 127.0.0.1");
		return CS_EPERM;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&v4, sizeof(v4)) < 0 || listen(fd, 1024) < 0)
		return cs_err_set(err, CS_EIO, "could not listen on %s:%u: %s", host, port, strerror(errno));
	return 0;
}

static void
epoll_add(struct cs_sb_server *s, int *fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = fd };

	epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, *fd, &ev);
}

int
cs_sb_server_open(struct cs_sb_server **out, const char *host, unsigned port, cs_sb_handler handler, void *ctx,
                  struct cs_err *err)
{
	struct cs_sb_server *s = cs_xcalloc(1, sizeof(*s));
	struct sockaddr_in bound = { 0 };
	socklen_t len = sizeof(bound);
	int rc;

	cs_list_init(&s->conns);
	cs_heap_init(&s->late);
	s->handler = handler;
	s->ctx = ctx;
	s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->listen_fd < 0 || s->epoll_fd < 0 || s->wake_fd < 0) {
		rc = cs_err_set(err, CS_EIO, "could not make a socket: %s", strerror(errno));
		goto fail;
	}
	if ((rc = bind_loopback(s->listen_fd, host, port, err)) < 0)
		goto fail;
	if (getsockname(s->listen_fd, (struct sockaddr *)&bound, &len) == 0)
		s->port = ntohs(bound.sin_port);
	epoll_add(s, &s->listen_fd);
	epoll_add(s, &s->wake_fd);
	*out = s;
	return 0;
fail:
	cs_sb_server_close(s);
	return rc;
}

unsigned
cs_sb_server_port(const struct cs_sb_server *s)
{
	return s->port;
}

void
cs_sb_server_close(struct cs_sb_server *s)
{
	struct cs_list *n;

	while ((n = cs_list_pop(&s->conns)) != NULL)
		conn_free(CS_CONTAINER(n, struct conn, link));
	cs_heap_fini(&s->late);
	cs_buf_fini(&s->reply.headers);
	cs_buf_fini(&s->reply.body);
	close(s->listen_fd);
	close(s->epoll_fd);
	close(s->wake_fd);
	free(s);
}
