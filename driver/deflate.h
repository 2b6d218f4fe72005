/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_DEFLATE_H
#define AEROSTAT_DEFLATE_H

struct tell;

unsigned long deflate_memory(struct tell *tell, unsigned long count, unsigned int reserve,
			     unsigned long limit);
unsigned long deflate_at_once(struct tell *tell, unsigned long count, unsigned long limit);
bool deflate_tell_owed(struct tell *tell, unsigned long limit);
void deflate_within(struct tell *tell, unsigned long first, unsigned long count,
		    unsigned long limit);

#endif
