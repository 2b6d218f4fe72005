/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What perf, trace-cmd and bpftrace can see: each decision, and each request to the device.
 * Memory is in bytes, time in microseconds; docs/tracing.md explains the events.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM aerostat

#if !defined(AEROSTAT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define AEROSTAT_TRACE_H

#include <linux/ktime.h>
#include <linux/tracepoint.h>
#include <linux/virtio.h>

#include "notice.h"

TRACE_DEFINE_ENUM(RESIZE_STOPPED);
TRACE_DEFINE_ENUM(RESIZE_AT_TARGET);
TRACE_DEFINE_ENUM(RESIZE_INFLATING);
TRACE_DEFINE_ENUM(RESIZE_DEFLATING);
TRACE_DEFINE_ENUM(RESIZE_HOLDING_OFF);
TRACE_DEFINE_ENUM(RESIZE_OUT_OF_MEMORY);
TRACE_DEFINE_ENUM(RESIZE_NOT_ANSWERING);

#define trace_state_name(state)						\
	__print_symbolic(state,						\
			 { RESIZE_STOPPED, "stopped" },			\
			 { RESIZE_AT_TARGET, "at target" },		\
			 { RESIZE_INFLATING, "inflating" },		\
			 { RESIZE_DEFLATING, "deflating" },		\
			 { RESIZE_HOLDING_OFF, "holding off" },		\
			 { RESIZE_OUT_OF_MEMORY, "out of memory to give" },	\
			 { RESIZE_NOT_ANSWERING, "device not answering" })

TRACE_EVENT(aerostat_state,
	    TP_PROTO(struct virtio_device *vdev, int from, int to, u64 target, u64 held),
	    TP_ARGS(vdev, from, to, target, held),
	    TP_STRUCT__entry(__field(int, device)
			     __field(int, from)
			     __field(int, to)
			     __field(u64, target)
			     __field(u64, held)),
	    TP_fast_assign(__entry->device = vdev->index;
			   __entry->from = from;
			   __entry->to = to;
			   __entry->target = target;
			   __entry->held = held;),
	    TP_printk("virtio%d from=%s to=%s target=%llu held=%llu", __entry->device,
		      trace_state_name(__entry->from), trace_state_name(__entry->to),
		      __entry->target, __entry->held));

DECLARE_EVENT_CLASS(aerostat_step,
		    TP_PROTO(struct virtio_device *vdev, u64 wanted, u64 bytes, ktime_t begin),
		    TP_ARGS(vdev, wanted, bytes, begin),
		    TP_STRUCT__entry(__field(int, device)
				     __field(u64, wanted)
				     __field(u64, bytes)
				     __field(s64, us)),
		    TP_fast_assign(__entry->device = vdev->index;
				   __entry->wanted = wanted;
				   __entry->bytes = bytes;
				   __entry->us = ktime_us_delta(ktime_get(), begin);),
		    TP_printk("virtio%d wanted=%llu bytes=%llu us=%lld", __entry->device,
			      __entry->wanted, __entry->bytes, __entry->us));

DEFINE_EVENT(aerostat_step, aerostat_inflate,
	     TP_PROTO(struct virtio_device *vdev, u64 wanted, u64 bytes, ktime_t begin),
	     TP_ARGS(vdev, wanted, bytes, begin));

DEFINE_EVENT(aerostat_step, aerostat_deflate,
	     TP_PROTO(struct virtio_device *vdev, u64 wanted, u64 bytes, ktime_t begin),
	     TP_ARGS(vdev, wanted, bytes, begin));

DEFINE_EVENT(aerostat_step, aerostat_oom,
	     TP_PROTO(struct virtio_device *vdev, u64 wanted, u64 bytes, ktime_t begin),
	     TP_ARGS(vdev, wanted, bytes, begin));

DEFINE_EVENT(aerostat_step, aerostat_relieve,
	     TP_PROTO(struct virtio_device *vdev, u64 wanted, u64 bytes, ktime_t begin),
	     TP_ARGS(vdev, wanted, bytes, begin));

DEFINE_EVENT(aerostat_step, aerostat_report,
	     TP_PROTO(struct virtio_device *vdev, u64 wanted, u64 bytes, ktime_t begin),
	     TP_ARGS(vdev, wanted, bytes, begin));

TRACE_EVENT(aerostat_hold_off,
	    TP_PROTO(struct virtio_device *vdev, bool over, unsigned int wait_ms, u64 available,
		     u64 missing),
	    TP_ARGS(vdev, over, wait_ms, available, missing),
	    TP_STRUCT__entry(__field(int, device)
			     __field(bool, over)
			     __field(unsigned int, wait_ms)
			     __field(u64, available)
			     __field(u64, missing)),
	    TP_fast_assign(__entry->device = vdev->index;
			   __entry->over = over;
			   __entry->wait_ms = wait_ms;
			   __entry->available = available;
			   __entry->missing = missing;),
	    TP_printk("virtio%d %s wait_ms=%u available=%llu missing=%llu", __entry->device,
		      __entry->over ? "over" : "begins", __entry->wait_ms, __entry->available,
		      __entry->missing));

TRACE_EVENT(aerostat_migrate,
	    TP_PROTO(struct virtio_device *vdev, unsigned long from, unsigned long to, int error),
	    TP_ARGS(vdev, from, to, error),
	    TP_STRUCT__entry(__field(int, device)
			     __field(unsigned long, from)
			     __field(unsigned long, to)
			     __field(int, error)),
	    TP_fast_assign(__entry->device = vdev->index;
			   __entry->from = from;
			   __entry->to = to;
			   __entry->error = error;),
	    TP_printk("virtio%d from=0x%lx to=0x%lx error=%d", __entry->device, __entry->from,
		      __entry->to, __entry->error));

TRACE_EVENT(aerostat_hint,
	    TP_PROTO(struct virtio_device *vdev, u32 round, u64 bytes),
	    TP_ARGS(vdev, round, bytes),
	    TP_STRUCT__entry(__field(int, device)
			     __field(u32, round)
			     __field(u64, bytes)),
	    TP_fast_assign(__entry->device = vdev->index;
			   __entry->round = round;
			   __entry->bytes = bytes;),
	    TP_printk("virtio%d round=%u bytes=%llu", __entry->device, __entry->round,
		      __entry->bytes));

/* A request was put into a virtqueue: how much memory it speaks of. */
TRACE_EVENT(aerostat_post,
	    TP_PROTO(struct virtqueue *virtqueue, u64 bytes),
	    TP_ARGS(virtqueue, bytes),
	    TP_STRUCT__entry(__field(int, device)
			     __array(char, queue, 16)
			     __field(u64, bytes)),
	    TP_fast_assign(__entry->device = virtqueue->vdev->index;
			   strscpy(__entry->queue, virtqueue->name, 16);
			   __entry->bytes = bytes;),
	    TP_printk("virtio%d queue=%s bytes=%llu", __entry->device, __entry->queue,
		      __entry->bytes));

/* The device has answered it. */
TRACE_EVENT(aerostat_answer,
	    TP_PROTO(struct virtqueue *virtqueue, u64 bytes, ktime_t posted),
	    TP_ARGS(virtqueue, bytes, posted),
	    TP_STRUCT__entry(__field(int, device)
			     __array(char, queue, 16)
			     __field(u64, bytes)
			     __field(s64, us)),
	    TP_fast_assign(__entry->device = virtqueue->vdev->index;
			   strscpy(__entry->queue, virtqueue->name, 16);
			   __entry->bytes = bytes;
			   __entry->us = ktime_us_delta(ktime_get(), posted);),
	    TP_printk("virtio%d queue=%s bytes=%llu us=%lld", __entry->device, __entry->queue,
		      __entry->bytes, __entry->us));

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
