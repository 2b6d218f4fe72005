/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_RANGES_H
#define BALLOON_DEVICE_RANGES_H

struct chain;
struct host;

void reports_see(struct host *host, const struct chain *chain);
void reports_answer(struct host *host, const struct chain *chain);
void hints_see(struct host *host, const struct chain *chain);
void hints_answer(struct host *host, const struct chain *chain);

#endif
