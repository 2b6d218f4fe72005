/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one place that holds the project's version; packages and tools read it from here. */
#ifndef AEROSTAT_VERSION_H
#define AEROSTAT_VERSION_H

#define AEROSTAT_VERSION "0.1.0"

#endif
