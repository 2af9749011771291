/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.c - see peer.h.
 */
#include "config.h"
#include "peer.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "util/mem.h"

struct job {
	struct peer *p;
	int fd, n;
};

static void *
work(void *arg)
{
	struct job j = *(struct job *)arg;

	free(arg);
	j.p->script(j.p, j.fd, j.n);
	close(j.fd);
	return NULL;
}

static void *
accept_all(void *arg)
{
	struct peer *p = arg;
	int fd;

	while ((fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct job *j = cs_xmalloc(sizeof(*j));
		int n = atomic_load(&p->connections);
		pthread_t t;

		*j = (struct job){ p, fd, n };
		ck_assert_int_lt(n, (int)CS_ARRAY_LEN(p->workers));
		ck_assert_int_eq(pthread_create(&t, NULL, work, j), 0);
		p->workers[n] = t;
		atomic_fetch_add(&p->connections, 1);
	}
	return NULL;
}

void
peer_start(struct peer *p, peer_script script, void *ctx)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	pthread_t t;

	memset(p, 0, sizeof(*p));
	p->script = script;
	p->ctx = ctx;
	p->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(p->listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(p->listen_fd, 512), 0);
	ck_assert_int_eq(getsockname(p->listen_fd, (struct sockaddr *)&a, &len), 0);
	p->port = ntohs(a.sin_port);
	ck_assert_int_eq(pthread_create(&t, NULL, accept_all, p), 0);
	p->thread = t;
}

void
peer_stop(struct peer *p)
{
	shutdown(p->listen_fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	for (int i = 0; i < atomic_load(&p->connections); i++)
		pthread_join(p->workers[i], NULL);
	close(p->listen_fd);
}

size_t
peer_read(struct peer *p, int fd, char *buf, size_t cap)
{
	size_t have = 0, want = 0;
	ssize_t n;

	while (want == 0 || have < want) {
		n = read(fd, buf + have, cap - 1 - have);
		if (n <= 0)
			return 0;
		have += (size_t)n;
		buf[have] = '\0';
		const char *end = strstr(buf, "\r\n\r\n"), *len = strcasestr(buf, "\r\nContent-Length:");
		if (want == 0 && end != NULL)
			want = (size_t)(end - buf) + 4 + (len != NULL && len < end ? strtoul(len + 17, NULL, 10) : 0);
	}
	atomic_fetch_add(&p->requests, 1);
	if (memcmp(buf, "POST ", 5) == 0)
		atomic_fetch_add(&p->posts, 1);
	return have;
}

void
peer_write_n(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t w = send(fd, at, n, MSG_NOSIGNAL);

		if (w <= 0)
			return;
		at += w;
		n -= (size_t)w;
	}
}

void
peer_write(int fd, const char *text)
{
	peer_write_n(fd, text, strlen(text));
}

int
raw_connect(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                 .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
count(const char *text, const char *want)
{
	int n = 0;

	for (const char *at = text; (at = strstr(at, want)) != NULL; at += strlen(want))
		n++;
	return n;
}

size_t
raw_read(int fd, char *buf, size_t cap, const char *want, int times)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t have = 0;
	ssize_t n;

	buf[0] = '\0';
	while (have < cap - 1) {
		ck_assert_msg(poll(&p, 1, 5000) == 1, "nothing came in 5 s, so far: %s", buf);
		if ((n = read(fd, buf + have, cap - 1 - have)) <= 0)
			break;
		have += (size_t)n;
		buf[have] = '\0';
		if (want != NULL && count(buf, want) >= times)
			break;
	}
	return have;
}

char *
test_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char *folder = cs_xasprintf("%s/cs-http-XXXXXX", tmp != NULL ? tmp : "/tmp");

	ck_assert_ptr_nonnull(mkdtemp(folder));
	return folder;
}

void
test_folder_remove(char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(folder);
	free(folder);
}

static FILE *
create(const char *folder, const char *name)
{
	CS_CLEANUP(cs_freep) char *path = cs_xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	return f;
}

void
make_certificate(const char *folder)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
	X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	FILE *f;

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_set_version(x, 2);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_add_ext(x, names, -1);
	X509_add_ext(x, ca, -1);
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	f = create(folder, "cert.pem");
	PEM_write_X509(f, x);
	fclose(f);
	f = create(folder, "key.pem");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_EXTENSION_free(names);
	X509_EXTENSION_free(ca);
	X509_free(x);
	EVP_PKEY_free(key);
}
