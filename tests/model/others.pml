/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The out-of-memory path (pressure.c), and the kernel's reporter of free memory (report.c).
 *
 * The rule: the first never waits without a limit and takes no lock but those of single
 * steps; the second has no limit, holds nothing but free memory, and ends with the reset.
 */
#if NEEDS
active proctype Pressure()
{
	locals;

	do
	:: atomic { notifier -> calls_inside++ };
progress_need:
		deflate_run(0, (!BY_RANGES && !MUST_TELL));
		gone = false;
		calls_inside--
	:: break
	od
}
#endif

#if REPORTS
#define report_may_post queue_works(NAMING)

inline report_take()
{
	queue_take(NAMING, 0, 1, took);
	do
	:: took || !report_may_post -> break
	:: !took && report_may_post ->
		await_naming(queue_room(NAMING, 0, 1), error);
		queue_take(NAMING, 0, 1, took)
	od;
	error = false
}

inline report_post()
{
	report_take();
	if
	:: took ->
		d_step { unanswered++ };
		queue_post(NAMING, item, REPORTER, done);
		if
		:: !done -> d_step { unanswered-- }; queue_put(NAMING, 1)
		:: else
		fi
	:: else
	fi;
	took = false;
	done = false
}

/* No limit: with the queue closed or broken, only the reset can be the answer. */
inline report_await()
{
	do
	:: has_answers(NAMING) -> queue_settle_naming()
	:: unanswered == 0 -> break
	od
}

active proctype Reporter()
{
	locals;

	do
	:: atomic {
		reports && has_free ->
		if
		:: place[0] == FREE -> item = 0
		:: place[0] != FREE && place[1] == FREE -> item = 1
		:: place[0] != FREE && place[1] != FREE -> item = 2
		fi;
		place[item] = REPORTED;
		report_inside = true
	};
progress_report:
		report_post();
		report_await();
		atomic { page_free(item); report_inside = false };
		item = NONE
	:: break
	od
}
#endif
