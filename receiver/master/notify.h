// SPDX-License-Identifier: Apache-2.0
/* What a service manager is told: sd_notify(3), by hand, on the socket that NOTIFY_SOCKET names. */
#ifndef MASQUES_MASTER_NOTIFY_H
#define MASQUES_MASTER_NOTIFY_H

/* Sends it, without waiting; nothing happens where nobody listens. */
void notify_ready(const char *status);     /* READY=1 with our pid; also the end of a reload, done or refused */
void notify_reloading(const char *status); /* RELOADING=1 with the time that Type=notify-reload wants */
void notify_stopping(const char *status);  /* STOPPING=1 */

#endif
