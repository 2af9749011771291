/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the options of `csrelay sandbox`, its start and its end.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "sandbox/sandbox.h"
#include "util/mem.h"

static const char usage[] =
	"usage: csrelay sandbox [--listen ADDRESS:PORT] [--data DIR[:DIR]] [--crm NAME]... [--lag-ms N]\n"
	"                       [--keep N | --forget] [--port-file FILE] [--quiet]\n"
	"\n"
	"Fake CRMs on this machine, for trying csrelay and for testing plugins.\n"
	"\n"
	"  --listen ADDRESS:PORT  where to listen (127.0.0.1:8181; port 0: any free one)\n"
	"  --data DIR[:DIR]       folders with NAME/sandbox.json or NAME.sandbox.json\n"
	"  --crm NAME             only this CRM; may be repeated\n"
	"  --lag-ms N             how far search indexes lag behind, instead of what the vendors have\n"
	"  --keep N               keep the first N records whole (100000), of later ones the ids\n"
	"  --forget               keep ids and counters only, for benchmarks\n"
	"  --port-file FILE       write the port there once it listens\n"
	"  --quiet                print nothing but errors\n"
	"\n"
	"GET / lists what was created. POST /_faults asks for trouble; csrelay-sandbox(1) names the kinds.\n";

struct options {
	struct cs_sandbox_conf conf;
	char *host;
	const char *port_file;
	bool quiet, help;
};

static struct cs_sandbox *volatile running;

static void
on_signal(int sig CS_UNUSED)
{
	if (running != NULL)
		cs_sandbox_stop(running);
}

static int
complain(const char *message, const char *hint)
{
	fprintf(stderr, "csrelay sandbox: %s%s%s\n", message, *hint != '\0' ? "; " : "", hint);
	return 1;
}

static bool
parse_number(const char *s, long long *n)
{
	char *end;

	errno = 0;
	*n = strtoll(s, &end, 10);
	return errno == 0 && end != s && *end == '\0' && *n >= 0;
}

static bool
parse_listen(struct options *o, const char *s)
{
	const char *colon = strrchr(s, ':');
	long long port;

	if (!parse_number(colon != NULL ? colon + 1 : s, &port) || port > 65535)
		return false;
	o->conf.port = (unsigned)port;
	free(o->host);
	o->host = colon != NULL && colon > s ? cs_xstrndup(s, (size_t)(colon - s)) : NULL;
	o->conf.host = o->host;
	return true;
}

static bool
take_option(struct options *o, int opt, char *arg)
{
	long long n;

	switch (opt) {
	case 'l':
		return parse_listen(o, arg);
	case 'd':
		o->conf.data = arg;
		return true;
	case 'c':
		o->conf.crms = cs_xrealloc((void *)o->conf.crms, (o->conf.ncrms + 1) * sizeof(char *));
		((const char **)o->conf.crms)[o->conf.ncrms++] = arg;
		return true;
	case 'g':
		if (!parse_number(arg, &n))
			return false;
		o->conf.lag_ms = n;
		return true;
	case 'k':
		if (!parse_number(arg, &n))
			return false;
		o->conf.keep_docs = (size_t)n;
		return true;
	case 'f':
		o->conf.keep_docs = 0;
		return true;
	case 'p':
		o->port_file = arg;
		return true;
	case 'q':
		return o->quiet = true;
	case 'h':
		return o->help = true;
	default:
		return false;
	}
}

static bool
parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "listen", required_argument, NULL, 'l' },    { "data", required_argument, NULL, 'd' },
		{ "crm", required_argument, NULL, 'c' },       { "lag-ms", required_argument, NULL, 'g' },
		{ "keep", required_argument, NULL, 'k' },      { "forget", no_argument, NULL, 'f' },
		{ "port-file", required_argument, NULL, 'p' }, { "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },            { NULL, 0, NULL, 0 },
	};
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (!take_option(o, opt, optarg))
			return false;
	}
	return optind == argc;
}

/* Written whole under another name first: who waits for it must not read half a number. */
static bool
write_port(const char *path, unsigned port)
{
	char *tmp = cs_xasprintf("%s.tmp", path);
	FILE *f = fopen(tmp, "we");
	bool ok = f != NULL && fprintf(f, "%u\n", port) > 0;

	ok = f != NULL && fclose(f) == 0 && ok && rename(tmp, path) == 0;
	free(tmp);
	return ok;
}

static int
serve(const struct options *o)
{
	struct rlimit files;
	struct cs_err err = { 0 };
	struct cs_sandbox *s;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (cs_sandbox_open(&s, &o->conf, &err) < 0)
		return complain(err.msg, err.hint);
	running = s;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	if (o->port_file != NULL && !write_port(o->port_file, cs_sandbox_port(s))) {
		cs_sandbox_close(s);
		return complain("could not write the port file", strerror(errno));
	}
	if (!o->quiet) {
		printf("fake CRMs at http://127.0.0.1:%u/\n", cs_sandbox_port(s));
		fflush(stdout);
	}
	cs_sandbox_run(s);
	running = NULL;
	cs_sandbox_close(s);
	return 0;
}

int
cs_sandbox_main(int argc, char **argv)
{
	struct options o = { .conf = CS_SANDBOX_CONF_INIT };
	int rc = 2;

	if (!parse_options(&o, argc, argv))
		fputs(usage, stderr);
	else if (o.help)
		rc = fputs(usage, stdout) == EOF;
	else
		rc = serve(&o);
	free(o.host);
	free((void *)o.conf.crms);
	return rc;
}
