// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests, and the memory that they need.
 *
 * The rule: all requests of a queue, their buffers and their tables of ranges exist before
 * the first one is posted, so that nothing is allocated on the way.
 */
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "request.h"

/**
 * requests_free - free what requests_prepare() allocated
 * @requests: the requests, none in use
 *
 * May sleep.
 */
void requests_free(struct requests *requests)
{
	unsigned int i;

	for (i = 0; requests->all && i < requests->shape.count; i++)
		kfree(requests->all[i].buffer);
	kfree(requests->ranges);
	kfree(requests->all);
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
	requests->all = kcalloc(shape.count, sizeof(*requests->all), GFP_KERNEL);
	requests->ranges = kcalloc(shape.count * shape.ranges, sizeof(*requests->ranges),
				   GFP_KERNEL);
	if (!requests->all || !requests->ranges)
		goto free;
	for (i = 0; i < shape.count; i++) {
		struct request *request = &requests->all[i];

		INIT_LIST_HEAD(&request->blocks);
		request->ranges = requests->ranges + i * shape.ranges;
		request->buffer = kzalloc(shape.buffer_bytes, GFP_KERNEL);
		if (!request->buffer)
			goto free;
	}
	return 0;

free:
	requests_free(requests);
	return -ENOMEM;
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
	request->memory = 0;
	request->block = NULL;
	request->settle = NULL;
}
