/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - telling systemd how we are (sd_notify(3)'s protocol, one datagram; no library needed for it).
 */
#ifndef CS_DAEMON_NOTIFY_H
#define CS_DAEMON_NOTIFY_H

#include <stdint.h>

/* "READY=1", "RELOADING=1\nMONOTONIC_USEC=...", "STOPPING=1", "WATCHDOG=1"; nothing happens when not run by systemd. */
void cs_notify(const char *state);
/* Half of the watchdog's interval in ms; 0: no watchdog. */
int64_t cs_notify_watchdog_ms(void);

#endif
