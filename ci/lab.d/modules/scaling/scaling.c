// SPDX-License-Identifier: GPL-2.0
/*
 * A fixture for the lab: a driver that scales the frequency of each core between two, of which nothing gets faster or slower.
 * The kernel tells of its changes as of any driver's.
 */
#include <linux/cpufreq.h>
#include <linux/module.h>

static struct cpufreq_frequency_table frequencies[] = {
	{ .frequency = 2000000 },
	{ .frequency = 3000000 },
	{ .frequency = CPUFREQ_TABLE_END },
};

static int start(struct cpufreq_policy *policy)
{
	policy->freq_table = frequencies;
	policy->cur = frequencies[0].frequency;
	/* Nanoseconds. */
	policy->cpuinfo.transition_latency = 10000;
	return 0;
}

static int turn_to(struct cpufreq_policy *policy, unsigned int index)
{
	return 0;
}

static struct cpufreq_driver driver = {
	.name = "tickcert-lab",
	/* Delays are not counted in its cycles. */
	.flags = CPUFREQ_CONST_LOOPS,
	.init = start,
	.verify = cpufreq_generic_frequency_table_verify,
	.target_index = turn_to,
	.attr = cpufreq_generic_attr,
};

static int __init load(void)
{
	return cpufreq_register_driver(&driver);
}

static void __exit unload(void)
{
	cpufreq_unregister_driver(&driver);
}

module_init(load);
module_exit(unload);
MODULE_DESCRIPTION("A driver that scales frequencies of nothing, for tests");
MODULE_LICENSE("GPL");
