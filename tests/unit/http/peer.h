/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h - the other side in the HTTP tests: a scripted server on raw sockets, raw client connections, and a throw-away
 * certificate.
 */
#ifndef TESTS_HTTP_PEER_H
#define TESTS_HTTP_PEER_H

#include <stdatomic.h>
#include <stddef.h>

struct peer;
/* Called in a thread of its own for each connection, n counting from 0; the connection is closed on return. */
typedef void (*peer_script)(struct peer *p, int fd, int n);

struct peer {
	int listen_fd;
	unsigned port;
	peer_script script;
	void *ctx;
	atomic_int connections, requests, posts; /* requests: read whole */
	unsigned long thread, workers[600];
};

void peer_start(struct peer *p, peer_script script, void *ctx);
void peer_stop(struct peer *p);
/* Read one request with its Content-Length body into buf (NUL-terminated); counts it. 0 at the end of the connection. */
size_t peer_read(struct peer *p, int fd, char *buf, size_t cap);
void peer_write(int fd, const char *text);
void peer_write_n(int fd, const void *p, size_t n);

/* ---- the client's side */
int raw_connect(unsigned port);
/* Read until the connection ends or `want` appears often enough; returns the length. NUL-terminated. */
size_t raw_read(int fd, char *buf, size_t cap, const char *want, int times);

/* A new folder in the system's place for such; and its removal with all files in it. */
char *test_folder(void);
void test_folder_remove(char *folder);
/* folder/cert.pem and folder/key.pem for 127.0.0.1 and localhost. */
void make_certificate(const char *folder);

#endif
