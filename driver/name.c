// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How memory is written into requests: the words in which it goes to the host and in which
 * it comes back.
 *
 * The rule: frame numbers that follow each other are written in rising order, in the
 * device's own byte order, and only of memory that 32 bits can name. A block that needs
 * several requests is acknowledged with the last of their answers.
 */
#include <linux/virtio_config.h>

#include "block.h"
#include "name.h"
#include "tell.h"

/**
 * name_is_possible - whether there are words for some memory
 * @tell: what the device is told
 * @first: the first of base pages without a gap
 * @count: how many there are
 *
 * Does not sleep, takes no lock. Frame numbers have 32 bits.
 *
 * Return: false for memory above 16 TiB, if it is named by frame numbers.
 */
bool name_is_possible(struct tell *tell, struct page *first, unsigned long count)
{
	u64 end = page_to_phys(first) + ((u64)count << PAGE_SHIFT);

	return tell->way == TELL_BY_RANGES || (end - 1) >> UNIT_SHIFT <= U32_MAX;
}

/**
 * name_units - write frame numbers into a request
 * @tell: what the device is told
 * @request: a request of the inflate or deflate queue that the caller has taken
 * @first: the first frame number, in units of 4096 bytes
 * @count: how many there are; the request has room for them
 *
 * Does not sleep, takes no lock. The device reads them in its own byte order.
 */
void name_units(struct tell *tell, struct request *request, u64 first, unsigned long count)
{
	__virtio32 *frames = request->buffer + request->length;
	unsigned long i;

	for (i = 0; i < count; i++)
		frames[i] = cpu_to_virtio32(tell->device, (u32)first + i);
	request->length += count * sizeof(*frames);
	request->memory += (u64)count << UNIT_SHIFT;
}

/**
 * name_frames - write the frame numbers of pages into a request
 * @tell: what the device is told
 * @request: a request of the inflate or deflate queue that the caller has taken
 * @first: the first of base pages without a gap
 * @count: how many there are; the request has room for them
 *
 * As name_units().
 */
void name_frames(struct tell *tell, struct request *request, struct page *first,
		 unsigned long count)
{
	name_units(tell, request, page_to_phys(first) >> UNIT_SHIFT, count * UNITS_PER_PAGE);
}

/**
 * name_page - write down in a request that a page goes to the host
 * @tell: what the device is told
 * @request: a request of the naming queue that the caller has taken
 * @page: a base page that name_is_possible()
 *
 * Does not sleep, takes no lock.
 */
void name_page(struct tell *tell, struct request *request, struct page *page)
{
	if (tell->way == TELL_BY_RANGES)
		queue_name(tell->report, request, page, PAGE_SIZE);
	else
		name_frames(tell, request, page, 1);
}

/**
 * name_parts - how many requests a block's frame numbers need
 * @block: the block
 *
 * Does not sleep.
 *
 * Return: so many.
 */
unsigned int name_parts(struct page *block)
{
	return DIV_ROUND_UP(block_pages(block), TELL_PAGES);
}

/**
 * name_block - post all frame numbers of a block
 * @tell: what the device is told
 * @queue: the inflate or the deflate queue
 * @block: the block
 * @requests: taken requests, one for each of its name_parts(), that know how to settle
 *	an answer; empty afterwards
 *
 * Does not sleep. As many answers are expected as there are requests.
 *
 * Return: how many were posted; fewer only if the queue is closed or broken, and then the
 * missing answers will never come.
 */
unsigned int name_block(struct tell *tell, struct queue *queue, struct page *block,
			struct list_head *requests)
{
	unsigned long first = 0, count = min(block_pages(block), TELL_PAGES);
	struct request *request, *next;
	unsigned int posted = 0;

	block_expect_answers(block, name_parts(block));
	list_for_each_entry_safe(request, next, requests, link) {
		list_del(&request->link);
		name_frames(tell, request, block + first, count);
		first += count;
		if (queue_post(queue, request))
			queue_put(queue, request);
		else
			posted++;
	}
	return posted;
}
