// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * offline: prints how many pages of this machine's memory are marked as offline,
 * which is what crash dumps skip.
 */
#include <linux/kernel-page-flags.h>
#include <stdint.h>
#include <stdio.h>

int main(void)
{
	FILE *flags = fopen("/proc/kpageflags", "r");
	unsigned long offline = 0;
	uint64_t page;

	if (!flags) {
		perror("offline: cannot open /proc/kpageflags");
		return 1;
	}
	while (fread(&page, sizeof(page), 1, flags) == 1)
		offline += page >> KPF_OFFLINE & 1;
	printf("%lu\n", offline);
	return 0;
}
