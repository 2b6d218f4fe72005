// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tracepoints themselves.
 *
 * The rule: they say what was decided and what was asked of the device, and decide nothing.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
