// SPDX-License-Identifier: GPL-2.0
/*
 * A fixture for the lab: calls from core to core whose handlers take long, as those of a busy driver or of a profiler do.
 *
 * Writing "CORE MICROSECONDS" to the parameter `call` has that core spin for so long in the handler of an interrupt that the
 * writer's core sends it, and waits for the end. A handler runs with interrupts off, so no more than 10 ms are taken.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/smp.h>

#define LONGEST 10000

static void spin(void *microseconds)
{
	unsigned int left = *(unsigned int *)microseconds;

	/* udelay(9): not for more than some of a kind at once. */
	for (; left > 100; left -= 100)
		udelay(100);
	udelay(left);
}

static int call(const char *text, const struct kernel_param *param)
{
	unsigned int core, microseconds;

	if (sscanf(text, "%u %u", &core, &microseconds) != 2 || core >= nr_cpu_ids || microseconds > LONGEST)
		return -EINVAL;
	return smp_call_function_single(core, spin, &microseconds, 1);
}

static const struct kernel_param_ops call_ops = { .set = call };
module_param_cb(call, &call_ops, NULL, 0200);

MODULE_DESCRIPTION("Calls to cores whose handlers take long, for tests");
MODULE_LICENSE("GPL");
