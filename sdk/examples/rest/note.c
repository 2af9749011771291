/*
 * note.c - the call as a note on the contact. Refused, it is a remark on a lead that is in; in doubt, the contact's notes are
 * read and the marker is looked for, which csh_note puts into every text.
 */
#include <string.h>
#include "rest.h"

/* 1: one of the rows has the marker. */
static int
has_marker(json_object *rows, const char *marker)
{
	json_object *row;

	csh_each(i, row, rows)
		if (strstr(csh_get(row, "/text"), marker))
			return 1;
	return 0;
}

static int32_t
look(const struct csh *h, const struct cs_lead *lead, const char *path, int *found)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = csh_read(h, "note", "note", path, NULL, &res, &answer);

	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return csh_refused(h, &res, "the notes could not be read");
	if ((rc = csh_need_list(h, answer, "/notes")) == CS_DONE)
		*found = has_marker(csh_at(answer, "/notes"), csh_marker(h, lead));
	return rc;
}

int32_t
rest_note(const struct csh *h, const struct cs_lead *lead, json_object *doc, const char *contact)
{
	const char *path = csh_printf(h, "/contacts/%s/notes", csh_url(h, contact));
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int found = 0;
	int32_t rc;

	if (*csh_receipt(h, "note") || !csh_at(doc, "/note"))
		return CS_DONE;
	if (csh_in_doubt(h, "note") && (rc = look(h, lead, path, &found)) != CS_DONE)
		return rc;
	if (!found) {
		if ((rc = csh_write(h, "note", "POST", path, csh_at(doc, "/note"), &res, &answer)) != CS_DONE)
			return rc;
		if (res.status >= 300) {
			h->host->warn(h->call, "the contact is there, its note was refused: %s", csh_vendor_error(h, &res));
			return CS_DONE;
		}
	}
	csh_receipt_put(h, "note", "written");
	return CS_DONE;
}
