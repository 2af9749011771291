/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone.h - from a contractor's wall clock to UTC, by the IANA time zone database.
 *
 * localtime() and TZ belong to the whole process; csrelay has a zone per connection. So it reads the compiled files
 * (TZif, RFC 9636) itself, each one once, and keeps what it read for good: an update of tzdata counts after a restart.
 * Any thread.
 *
 * Where clocks change: a time that happens twice means the first; a time that is skipped is moved forward by what was
 * skipped (02:30 becomes 03:30).
 */
#ifndef CS_LEAD_ZONE_H
#define CS_LEAD_ZONE_H

#include <stddef.h>
#include <stdint.h>

#define CS_ZONE_DIR "/usr/share/zoneinfo"

/*
 * The UTC instant of a local time (milliseconds since 1970 as if the wall clock were UTC) in the zone `name`
 * ("America/New_York"). 0; CS_EINVAL for a name that cannot be one; CS_ENOTFOUND when this machine does not know the
 * zone or has no tzdata. *utc_ms is then left alone.
 */
int cs_zone_to_utc(const char *name, int64_t local_ms, int64_t *utc_ms);

/* ---- underneath, for tests: one zone from the bytes of its file. NULL when they are no TZif of version 2 or later. */
struct cs_zone;
struct cs_zone *cs_zone_parse(const void *file, size_t n);
void cs_zone_free(struct cs_zone *z);
int64_t cs_zone_offset_s(const struct cs_zone *z, int64_t utc_s); /* seconds east of Greenwich at this instant */
int64_t cs_zone_local_to_utc_s(const struct cs_zone *z, int64_t local_s);
int cs_zone_name_check(const char *name); /* 0 or CS_EINVAL: 1 to 64 of A-Z a-z 0-9 _ + - in parts between slashes */

#endif
