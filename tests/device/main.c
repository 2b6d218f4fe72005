// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A virtio balloon device for tests, emulated inside the guest that uses it: it does what
 * no good host does, on command.
 *
 * The rule: the host is prepared before the slot, and the slot before the controls; they
 * go in reverse, the device first of all.
 */
#include <linux/module.h>

#include "control.h"
#include "host.h"
#include "transport.h"

static struct host host;
static struct transport transport;

static int __init balloon_device_init(void)
{
	int error;

	error = host_prepare(&host);
	if (!error)
		error = transport_prepare(&transport, &host);
	if (error) {
		host_free(&host);
		return error;
	}
	control_open(&transport);
	return 0;
}

static void __exit balloon_device_exit(void)
{
	control_close();
	transport_free(&transport);
	host_free(&host);
}

module_init(balloon_device_init);
module_exit(balloon_device_exit);

MODULE_DESCRIPTION("A virtio balloon device for tests");
MODULE_AUTHOR("The Aerostat developers");
MODULE_LICENSE("GPL");
