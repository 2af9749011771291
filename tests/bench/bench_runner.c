/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_runner.c - what a plugin call costs beside the plugin's own work.
 *
 * 64 pushes are in flight; each makes one request, which is answered at once. Counted is everything between cs_remote_call
 * and `done`: encoding the lead, two batches each way, four switches of stack. Prints calls/s and CPU per call.
 */
#include "config.h"
#include "plugin/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IN_FLIGHT 64

static struct cs_remote *remote;
static long dones;

static void
on_http(void *user, uint64_t call, const struct cs_wire_http *m)
{
	static const struct cs_header headers[] = { { "content-type", "application/json" } };
	static const char body[] = "{\"id\":\"51\",\"createdAt\":\"2026-05-26T14:32:00.000Z\"}";
	struct cs_wire_http_result res = {
		.status = 201, .body = { body, sizeof(body) - 1 }, .headers = headers, .n_headers = 1,
	};

	(void)user, (void)m;
	cs_remote_answer_http(remote, call, &res);
}

static void
on_done(void *user, uint64_t call, const struct cs_wire_done *m)
{
	(void)user, (void)call;
	if (m->outcome != CS_DONE) {
		fprintf(stderr, "a call ended with outcome %d\n", (int)m->outcome);
		exit(1);
	}
	dones++;
}

static void
on_log(void *user, uint64_t call, int32_t prio, const char *text)
{
	(void)user, (void)call, (void)prio;
	fprintf(stderr, "%s\n", text);
}

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A lead like the sample: 1900 bytes raw, a dozen texts. */
static void
fill_lead(struct cs_lead *lead, struct cs_lead_call *call, struct cs_lead_contact *contact,
          struct cs_lead_address *address, struct cs_lead_request *request, struct cs_lead_analysis *analysis)
{
	static char raw[1900];

	memset(raw, 'x', sizeof(raw) - 1);
	*address = (struct cs_lead_address){ .struct_size = sizeof(*address), .street = "1420 NW 7th Ave", .city = "Miami",
		.state = "FL", .zip = "33136", .country = "US" };
	*contact = (struct cs_lead_contact){ .struct_size = sizeof(*contact), .first_name = "Maria",
		.last_name = "Gonzalez", .phone = "+13055550182", .email = "maria@example.com", .address = address };
	*call = (struct cs_lead_call){ .struct_size = sizeof(*call), .call_id = "call_abc123", .direction = "inbound",
		.transcript_summary = "Caller reports no heat. Furnace not turning on. Wants a visit tomorrow." };
	*request = (struct cs_lead_request){ .struct_size = sizeof(*request), .service_type = "HVAC",
		.sub_type = "heating_repair", .urgency = "same_day", .issue_description = "No heat." };
	*analysis = (struct cs_lead_analysis){ .struct_size = sizeof(*analysis), .sentiment = "positive" };
	*lead = (struct cs_lead){ .struct_size = sizeof(*lead), .event = "lead.qualified",
		.event_id = "8b0f2f3e-6f0a-4c7e-9d5a-0d7c2f6f1a11", .account = "acct_1", .call = call, .contact = contact,
		.request = request, .analysis = analysis, .raw = { raw, sizeof(raw) - 1 } };
}

int
main(int argc, char **argv)
{
	static const struct cs_remote_ops ops = { .http = on_http, .done = on_done, .log = on_log };
	struct cs_remote_conf conf = { .dir = TEST_PLUGINS, .name = "always_ok", .ops = &ops, .trust_all = true };
	struct cs_wire_pair settings[8];
	struct cs_wire_call in = { .kind = CS_CALL_PUSH, .delivery_id = "d1", .attempt = 1, .settings = settings,
		.n_settings = CS_ARRAY_LEN(settings), .document = { "{\"properties\":{}}", 17 } };
	struct cs_lead_analysis analysis;
	struct cs_lead_contact contact;
	struct cs_lead_address address;
	struct cs_lead_request request;
	struct cs_lead_call lead_call;
	struct cs_lead lead;
	long calls = argc > 1 ? atol(argv[1]) : 1000000, started = 0;
	double wall, cpu;
	struct cs_err err;

	if (cs_remote_open(&conf, &remote, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	fill_lead(&lead, &lead_call, &contact, &address, &request, &analysis);
	in.lead = &lead;
	for (size_t i = 0; i < CS_ARRAY_LEN(settings); i++)
		settings[i] = (struct cs_wire_pair){ "setting", { "value of it", 11 } };
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	while (dones < calls) {
		while (started < calls && cs_remote_open_calls(remote) < IN_FLIGHT) {
			cs_remote_call(remote, &in, NULL);
			started++;
		}
		cs_remote_run(remote);
	}
	wall = seconds(CLOCK_MONOTONIC) - wall;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("{\"plugin_calls_per_s\": %.0f, \"plugin_call_cpu_us\": %.2f}\n", (double)calls / wall,
	       cpu * 1e6 / (double)calls);
	cs_remote_close(remote);
	return 0;
}
