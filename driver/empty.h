/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_EMPTY_H
#define AEROSTAT_EMPTY_H

struct hold;
struct tell;

void empty_to_device(struct tell *tell);
void empty_without_device(struct hold *hold);

#endif
