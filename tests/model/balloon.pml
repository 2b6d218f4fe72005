/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of memory in the balloon, as the driver's sources have it: docs/locking.md says
 * which function each name here stands for.
 *
 * The rule: what one lock guards is one step; between two steps anything may happen. Each
 * process ends, whatever the host does, and then every page is the guest's. All but the last
 * may end between any two rounds: so who waits in vain is found, though others could go on.
 */
#ifndef MUST_TELL
#define MUST_TELL 0		/* MUST_TELL_HOST was negotiated */
#endif
#ifndef BY_RANGES
#define BY_RANGES 0		/* memory is named by ranges, else by frame numbers */
#endif
#ifndef FALLS_SILENT
#define FALLS_SILENT 0		/* the host may answer nothing from some moment on */
#endif
#ifndef NEVER_ANSWERS
#define NEVER_ANSWERS 0		/* the host answers nothing at all */
#endif
#ifndef BREAKS
#define BREAKS 0		/* the device may break */
#endif
#ifndef NEEDS
#define NEEDS 1			/* the guest may run out of memory */
#endif
#ifndef MOVERS
#define MOVERS 1		/* how many move memory; 2: two of four pages are held, the
				 * worker does nothing, and they move twice
				 * at most, and the driver leaves after that */
#endif
#ifndef REPORTS
#define REPORTS 0		/* the kernel reports free memory */
#endif

#ifndef PAGES
#define PAGES 3			/* 2, or a third that never is part of the block */
#endif

bool stopping;			/* balloon_stop() has begun */

#include "state.pml"
#include "memory.pml"
#include "queue.pml"
#include "tell.pml"
#include "deflate.pml"

#define locals \
	byte page = NONE, item = NONE, posted; \
	bool done, took, gone, error, told; \
	mtype:migrate_state found = MIGRATE_IDLE

bool worker_stops;
bool worker_stopped = (MOVERS == 2);
bool notifier = true;		/* pressure_start() */
byte movers_inside, calls_inside;	/* in migrate_page(); in the out-of-memory path */
bool reports = true, report_inside;
byte last_moves = (MOVERS == 2 -> 2 : 1);	/* moves that may begin when they are counted */
bool balloon_lock;		/* balloon->lock */

#include "worker.pml"
#include "migrate.pml"
#include "others.pml"
#include "stop.pml"
