// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests, and the memory that they need.
 *
 * The rule: all requests of a queue, their buffers and their tables of ranges exist before
 * the first one is posted, so that nothing is allocated on the way.
 */
#include <linux/gfp.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "request.h"

static size_t buffers_bytes(const struct request_shape *shape)
{
	return shape->count * shape->buffer_bytes;
}

static int requests_allocate(struct requests *requests)
{
	const struct request_shape *shape = &requests->shape;

	requests->all = kcalloc(shape->count, sizeof(*requests->all), GFP_KERNEL);
	if (!requests->all)
		return -ENOMEM;
	if (buffers_bytes(shape))
		requests->buffers = alloc_pages_exact(buffers_bytes(shape),
						      GFP_KERNEL | __GFP_ZERO);
	if (buffers_bytes(shape) && !requests->buffers)
		goto free_requests;
	requests->ranges = kcalloc(shape->count * shape->ranges, sizeof(*requests->ranges),
				   GFP_KERNEL);
	if (!requests->ranges)
		goto free_buffers;
	return 0;

free_buffers:
	free_pages_exact(requests->buffers, buffers_bytes(shape));
free_requests:
	kfree(requests->all);
	return -ENOMEM;
}

/**
 * requests_prepare - allocate requests and all that they need
 * @requests: the requests
 * @shape: how many, and how large
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM, with nothing left allocated.
 */
int requests_prepare(struct requests *requests, struct request_shape shape)
{
	unsigned int i;

	requests->shape = shape;
	if (requests_allocate(requests))
		return -ENOMEM;
	for (i = 0; i < shape.count; i++) {
		struct request *request = &requests->all[i];

		INIT_LIST_HEAD(&request->blocks);
		request->buffer = requests->buffers + i * shape.buffer_bytes;
		request->ranges = requests->ranges + i * shape.ranges;
	}
	return 0;
}

/**
 * requests_free - free what requests_prepare() allocated
 * @requests: the requests, none in use
 *
 * May sleep.
 */
void requests_free(struct requests *requests)
{
	kfree(requests->ranges);
	free_pages_exact(requests->buffers, buffers_bytes(&requests->shape));
	kfree(requests->all);
}

/**
 * request_clear - make a request as good as new
 * @request: the request; its lists are empty
 *
 * Does not sleep.
 */
void request_clear(struct request *request)
{
	request->length = 0;
	request->range_count = 0;
	request->block = NULL;
	request->settle = NULL;
}
