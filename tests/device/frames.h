/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_FRAMES_H
#define BALLOON_DEVICE_FRAMES_H

struct chain;
struct host;

void frames_see_inflated(struct host *host, const struct chain *chain);
void frames_answer_inflated(struct host *host, const struct chain *chain);
void frames_see_deflated(struct host *host, const struct chain *chain);
void frames_answer_deflated(struct host *host, const struct chain *chain);
void statistics_see(struct host *host, const struct chain *chain);
void statistics_answer(struct host *host, const struct chain *chain);

#endif
