// SPDX-License-Identifier: Apache-2.0
/* What the configuration says of an exporter, in the words of control.proto: to the router, and to the exporter. */
#ifndef MASQUES_MASTER_SUBSCRIPTION_H
#define MASQUES_MASTER_SUBSCRIPTION_H

#include <masques/control.pb-c.h>

#include "shared/config/config.h"

/* Initializes both and fills them in; `retry` becomes a part of `subscription`. Texts are borrowed from `exporter`. */
void subscription_fill(const struct config_exporter *exporter, Masques__Control__Subscription *subscription,
                       Masques__Control__Retry *retry);

/* How the deliveries are to be formed, in settings that are initialized. */
void subscription_wishes(const struct config_delivery *delivery, Masques__Control__ExporterSettings *settings);

#endif
