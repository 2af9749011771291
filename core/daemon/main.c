/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - csrelayd: options, signals, and the wait.
 *
 * The main thread does nothing but wait for signals and pet the watchdog, which it does only while the engine's loop turns and
 * the writer commits. It runs in the foreground; systemd or a shell keeps it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "config.h"
#include "conf/load.h"
#include "daemon/daemon.h"
#include "daemon/notify.h"
#include "log/log.h"
#include "plugin/manifest/setup.h"
#include "vault/vault.h"

#define STALLED_MS 30000
#define TICK_MS 1000

static const char usage[] =
    "usage: csrelayd [--config FILE] [--check] [--port-dir DIR] [--trust-plugins] [--version]\n"
    "  --config FILE    the configuration (default " CS_SYSCONF_DIR "/csrelay.conf)\n"
    "  --check          read the configuration, say what is wrong with it, and exit\n"
    "  --port-dir DIR   write NAME.port files there once listening, for listeners on port 0\n"
    "  --trust-plugins  load plugins whatever their owner and mode (uninstalled builds)\n"
    "csrelayd(8) tells more.\n";

struct options {
	const char *config, *port_dir;
	bool check, trust;
};

/* -1: go on; else the exit status. */
static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = { { "config", required_argument, NULL, 'c' }, { "check", no_argument, NULL, 'k' },
		{ "port-dir", required_argument, NULL, 'p' }, { "trust-plugins", no_argument, NULL, 't' }, { "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int c;

	*o = (struct options){ .config = CS_SYSCONF_DIR "/csrelay.conf" };
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 'p':
			o->port_dir = optarg;
			break;
		case 't':
			o->trust = true;
			break;
		case 'V':
			puts("csrelayd " PACKAGE_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "csrelayd: \"%s\" is not an option\n%s", argv[optind], usage);
		return 2;
	}
	return -1;
}

static int
load(const struct options *o, struct cs_conf **out)
{
	struct cs_conf_errors errs = { 0 };

	if (cs_conf_load(o->config, out, &errs) == 0)
		return 0;
	cs_conf_errors_print(&errs, stderr);
	cs_conf_errors_fini(&errs);
	return 78; /* EX_CONFIG */
}

/* Told at start, too, but there what fits goes on. */
static int
fits_plugins(const struct cs_conf *conf)
{
	struct cs_conf_errors errs = { 0 };
	size_t n = cs_setup_check(conf, &errs);

	cs_conf_errors_print(&errs, stderr);
	cs_conf_errors_fini(&errs);
	return n > 0 ? 78 : 0;
}

static void
block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
pet_watchdog(const struct cs_daemon *d)
{
	static struct cs_complaint stalled;
	int64_t idle_ms = cs_engine_idle_ms(d->engine);

	if (idle_ms > STALLED_MS) {
		cs_log_complain(&stalled, cs_now_ms(&cs_clock_real), CS_LOG_ERROR, "daemon", "the engine does not turn", "since_ms=%lld",
		    (long long)idle_ms);
		return;
	}
	cs_log_relieve(&stalled, "daemon", "the engine turns again");
	cs_notify("WATCHDOG=1");
}

static void
say_reloading(void)
{
	struct timespec now;
	char text[80];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	cs_notify(text);
}

static void
wait_for_the_end(struct cs_daemon *d, const sigset_t *set)
{
	struct timespec tick = { .tv_sec = TICK_MS / 1000 };

	for (;;) {
		int sig = sigtimedwait(set, NULL, &tick);

		pet_watchdog(d);
		if (sig == SIGHUP) {
			say_reloading();
			cs_daemon_reload(d);
			cs_notify("READY=1");
		} else if (sig == SIGTERM || sig == SIGINT)
			return;
	}
}

#ifdef CS_TEST_HOOKS
/* Tests that moved the clock start the next daemon in the same time: what is stored is not from the future then. */
static void
move_clock(void)
{
	const char *ms = getenv("CSRELAY_CLOCK_OFFSET_MS");

	cs_clock_real.offset_ms = ms != NULL ? strtoll(ms, NULL, 10) : 0;
}
#else
#define move_clock() ((void)0)
#endif

int
main(int argc, char **argv)
{
	struct cs_daemon d = { 0 };
	struct cs_err err = { 0 };
	struct options o;
	sigset_t set;
	int rc = read_options(argc, argv, &o);

	if (rc >= 0)
		return rc;
	move_clock();
	if ((rc = load(&o, &d.conf)) != 0)
		return rc;
	rc = fits_plugins(d.conf);
	if (o.check) {
		cs_conf_unref(d.conf);
		return rc;
	}
	cs_log_init(&(struct cs_log_conf){ .level = (enum cs_log_level)d.conf->log.level, .json = d.conf->log.format == CS_CONF_LOG_JSON,
	    .debug_modules = d.conf->log.debug, .fd = 2 });
	if (cs_vault_harden_process(&err) < 0)
		cs_log(CS_LOG_WARN, "daemon", "could not shut out core dumps", "why=\"%s\"", err.msg);
	block_signals(&set);
	d.conf_file = o.config;
	d.port_dir = o.port_dir;
	d.trust_plugins = o.trust;
	if (cs_daemon_start(&d, &err) < 0) {
		char text[CS_ERR_TEXT];

		cs_log(CS_LOG_ERROR, "daemon", "could not start", "why=\"%s\"", err.msg);
		fprintf(stderr, "csrelayd: %s\n", cs_err_text(&err, text, sizeof(text)));
		cs_daemon_stop(&d);
		cs_conf_unref(d.conf);
		return 1;
	}
	cs_notify("READY=1");
	cs_log(CS_LOG_INFO, "daemon", "ready", "version=%s epoch=%lld", PACKAGE_VERSION, (long long)d.epoch);
	wait_for_the_end(&d, &set);
	cs_notify("STOPPING=1");
	cs_log(CS_LOG_INFO, "daemon", "stopping", "grace_ms=%lld", (long long)d.conf->shutdown.grace);
	cs_daemon_stop(&d);
	cs_conf_unref(d.conf);
	cs_log(CS_LOG_INFO, "daemon", "stopped", "clean=%s", "yes");
	return 0;
}
