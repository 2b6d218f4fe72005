/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_DEFLATE_H
#define AEROSTAT_DEFLATE_H

struct tell;

unsigned long deflate_memory(struct tell *tell, unsigned long count, unsigned int reserve,
			     unsigned long limit);
void deflate_within(struct tell *tell, unsigned long first, unsigned long count,
		    unsigned long limit);

#endif
