/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note.c - the note that tells the office what the caller wanted: one template for all CRMs, plain or HTML.
 *
 * A template is lines of text with {names}. A line that has names, all of them empty, is left out, so that a
 * lead without a recording has no "Recording:" line. Unknown names stay as they are written. Everything from
 * the lead is escaped in HTML, the template's own text too. If the note comes out too long, it is made again
 * with the long texts cut shorter.
 */
#include <inttypes.h>
#include <string.h>
#include <cs/helpers.h>

static const char built_in[] =
    "CallSetter AI lead\n"
    "Service: {service}\n"
    "Urgency: {urgency}\n"
    "{description}\n"
    "Preferred time: {preferred}\n"
    "Caller: {name} {phone} {email}\n"
    "Address: {address}\n"
    "Existing customer: {existing}\n"
    "Assign to: {assigned_to}\n"
    "Call summary: {summary}\n"
    "Answers: {answers}\n"
    "AI score: {score}\n"
    "Sentiment: {sentiment}\n"
    "Call: {started}\n"
    "Call duration: {duration}\n"
    "Recording: {recording}\n"
    "Transcript: {transcript}\n"
    "Remarks: {warnings}\n"
    "{marker}";

#define LONG_TEXT 8192 /* the longest text of lead-1.0 */

struct note {
	const struct csh *h;
	const struct cs_lead *lead;
	int format;
	size_t cap; /* of one value */
	struct csh_str out;
};

const char *
csh_marker(const struct csh *h, const struct cs_lead *lead)
{
	return csh_printf(h, "CallSetter %s", lead->event_id);
}

/* heating_repair reads better as heating repair */
static const char *
spaced(const struct csh *h, const char *s)
{
	char *out = csh_strndup(h, s, strlen(s)), *p;

	for (p = out; (p = strchr(p, '_')); p++)
		*p = ' ';
	return out;
}

const char *
csh_service(const struct csh *h, const struct cs_lead *lead)
{
	const struct cs_lead_request *r = lead->request;

	return *r->sub_type ? csh_printf(h, "%s / %s", r->service_type, spaced(h, r->sub_type)) : r->service_type;
}

const char *
csh_title(const struct csh *h, const struct cs_lead *lead, size_t max)
{
	const char *urgency = *lead->request->urgency ? csh_printf(h, " (%s)", spaced(h, lead->request->urgency)) : "";

	return csh_cut(h, csh_printf(h, "%s - %s%s", csh_service(h, lead), csh_full_name(h, lead->contact), urgency), max);
}

/* 2026-05-27T08:00:00 becomes 2026-05-27 08:00; anything else stays as given */
static const char *
preferred(const struct note *n)
{
	const char *s = n->lead->request->preferred_schedule;

	if (strlen(s) != 19 || s[10] != 'T' || strcmp(s + 16, ":00") != 0)
		return s;
	return csh_printf(n->h, "%.10s %.5s", s, s + 11);
}

/* 2026-05-26T14:29:38Z becomes 2026-05-26 14:29 UTC */
static const char *
started(const struct note *n)
{
	const char *s = n->lead->call->started_at;

	if (strlen(s) != 20 || s[10] != 'T' || s[19] != 'Z')
		return s;
	return csh_printf(n->h, "%.10s %.5s UTC", s, s + 11);
}

static const char *
duration(const struct note *n)
{
	int64_t s = n->lead->call->duration_s;

	if (!n->lead->call->has_duration)
		return "";
	return s < 60 ? csh_printf(n->h, "%" PRId64 " s", s)
	              : csh_printf(n->h, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
}

static const char *
answer_text(json_object *v)
{
	if (json_object_is_type(v, json_type_boolean))
		return json_object_get_boolean(v) ? "yes" : "no";
	return v ? json_object_get_string(v) : "not said";
}

static const char *
answers(const struct note *n)
{
	CSH_JSON o = csh_json_parse(n->lead->analysis->qualifier_answers);
	struct csh_str s = CSH_STR(n->h);

	if (!json_object_is_type(o, json_type_object))
		return "";
	json_object_object_foreach(o, key, v) {
		csh_adds(&s, s.len ? ", " : "");
		csh_adds(&s, spaced(n->h, key));
		csh_adds(&s, ": ");
		csh_adds(&s, spaced(n->h, answer_text(v)));
	}
	return csh_text(&s);
}

static const char *
score(const struct note *n)
{
	if (!n->lead->analysis->has_score)
		return "";
	return csh_printf(n->h, "%d of 100", (int)(n->lead->analysis->score * 100 + 0.5));
}

static const char *
existing(const struct note *n)
{
	int32_t known = n->lead->request->is_existing_customer;

	return known == CS_TRI_YES ? "yes" : known == CS_TRI_NO ? "no" : "";
}

/* The value of a name, or NULL for one that does not exist. */
static const char *
value_of(const struct note *n, const char *name, size_t len)
{
	const struct cs_lead *l = n->lead;
#define IS(s) (len == sizeof(s) - 1 && memcmp(name, s, len) == 0)
	if (IS("service")) return csh_service(n->h, l);
	if (IS("urgency")) return spaced(n->h, l->request->urgency);
	if (IS("description")) return l->request->issue_description;
	if (IS("preferred")) return preferred(n);
	if (IS("existing")) return existing(n);
	if (IS("name")) return csh_full_name(n->h, &(struct cs_lead_contact){ .first_name = l->contact->first_name,
	                    .last_name = l->contact->last_name, .phone = "", .email = "" });
	if (IS("phone")) return l->contact->phone;
	if (IS("email")) return l->contact->email;
	if (IS("address")) return csh_address_line(n->h, l->contact->address);
	if (IS("summary")) return l->call->transcript_summary;
	if (IS("answers")) return answers(n);
	if (IS("score")) return score(n);
	if (IS("sentiment")) return l->analysis->sentiment;
	if (IS("qualification")) return l->analysis->qualification_status;
	if (IS("reason")) return l->analysis->disqualification_reason;
	if (IS("duration")) return duration(n);
	if (IS("started")) return started(n);
	if (IS("direction")) return l->call->direction;
	if (IS("recording")) return l->call->recording_url;
	if (IS("transcript")) return l->call->transcript_url;
	if (IS("warnings")) return l->warnings;
	if (IS("assigned_to")) return l->assigned_to;
	if (IS("call_id")) return l->call->call_id;
	if (IS("event_id")) return l->event_id;
	if (IS("marker")) return csh_marker(n->h, l);
#undef IS
	return NULL;
}

static void
add_plain(struct note *n, struct csh_str *line, const char *s, size_t len)
{
	if (n->format == CSH_HTML)
		csh_add_html(line, s, len);
	else
		csh_add(line, s, len);
}

static void
add_value(struct note *n, struct csh_str *line, const char *v)
{
	size_t len = strlen(v);
	int is_cut = len > n->cap;

	if (is_cut)
		for (len = n->cap; len > 0 && ((unsigned char)v[len] & 0xC0) == 0x80;)
			len--;
	if (n->format == CSH_HTML && !is_cut && strncmp(v, "https://", 8) == 0 && !strpbrk(v, " \n")) {
		csh_adds(line, "<a href=\"");
		csh_add_html(line, v, len);
		csh_adds(line, "\">");
		csh_add_html(line, v, len);
		csh_adds(line, "</a>");
		return;
	}
	add_plain(n, line, v, len);
	if (is_cut)
		csh_adds(line, " [...]");
}

/* One line of the template; 0 when all its names came out empty. */
static int
add_line(struct note *n, struct csh_str *line, const char *t, size_t len)
{
	const char *end = t + len;
	int names = 0, filled = 0;

	while (t < end) {
		const char *open = memchr(t, '{', (size_t)(end - t));
		const char *close = open ? memchr(open, '}', (size_t)(end - open)) : NULL;
		const char *v = close ? value_of(n, open + 1, (size_t)(close - open - 1)) : NULL;
		const char *stop = !close ? end : v ? open : close + 1;

		add_plain(n, line, t, (size_t)(stop - t));
		t = v ? close + 1 : stop;
		if (!v)
			continue;
		names++;
		filled += *v != '\0';
		add_value(n, line, v);
	}
	return names == 0 || filled > 0;
}

static void
trim(struct csh_str *s)
{
	while (s->len && (s->ptr[s->len - 1] == ' ' || s->ptr[s->len - 1] == '\r'))
		s->ptr[--s->len] = '\0';
}

static const char *
render(struct note *n, const char *template)
{
	const char *between = n->format == CSH_HTML ? "<br>" : "\n";

	n->out = (struct csh_str)CSH_STR(n->h);
	while (*template) {
		size_t len = strcspn(template, "\n");
		struct csh_str line = CSH_STR(n->h);

		if (add_line(n, &line, template, len)) {
			trim(&line);
			if (n->out.len)
				csh_adds(&n->out, between);
			csh_add(&n->out, csh_text(&line), line.len);
		}
		template += len + (template[len] == '\n');
	}
	if (!strstr(csh_text(&n->out), csh_marker(n->h, n->lead))) {
		csh_adds(&n->out, n->out.len ? between : "");
		csh_adds(&n->out, csh_marker(n->h, n->lead));
	}
	return csh_text(&n->out);
}

const char *
csh_note(const struct csh *h, const struct cs_lead *lead, int format, size_t max)
{
	struct note n = { .h = h, .lead = lead, .format = format, .cap = LONG_TEXT };
	const char *template = csh_setting(h, "note_template");
	const char *text = render(&n, *template ? template : built_in);

	while (n.out.len > max && n.cap > 64) {
		n.cap /= 2;
		text = render(&n, *template ? template : built_in);
	}
	return n.out.len > max ? csh_marker(h, lead) : text;
}
