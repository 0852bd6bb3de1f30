// SPDX-License-Identifier: GPL-2.0
/*
 * A fixture for the lab: Ethernet devices that stamp frames by hardware clocks, as a NIC with two ports does.
 *
 *   hwts0 ---- hwts1     the wire that is measured
 *   hwts2 ---- hwts3     another one, for PTP
 *   clock A  clock B     hwts0 and hwts2 stamp by one clock, hwts1 and hwts3 by the other
 *
 * What one device of a pair sends the other receives at once. The clocks are counters of CLOCK_MONOTONIC_RAW that can be
 * set and trimmed; they start at the system's time, and B runs `ppb` faster. Every frame of any kind is stamped when the
 * device is set so (SIOCSHWTSTAMP).
 *
 * Parameters, which can be changed at any time, make the transmit stamps of the measured wire go wrong: each Nth is dropped,
 * is zero, comes twice, comes `late_ms` too late, or is that of the frame before. 0 is never. `unreadable` keeps the clocks
 * from being read, and `nameless` from being told of. Clocks and stamps show that they are plumbed as they should be, and
 * nothing of precision.
 */
#include <linux/ethtool.h>
#include <linux/etherdevice.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/net_tstamp.h>
#include <linux/netdevice.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/workqueue.h>

#define DEVICES 4
#define CLOCKS 2

static uint drop_nth, zero_nth, twice_nth, late_nth, stale_nth, late_ms = 500;
static int ppb = 20000;
module_param(drop_nth, uint, 0644);
module_param(zero_nth, uint, 0644);
module_param(twice_nth, uint, 0644);
module_param(late_nth, uint, 0644);
module_param(stale_nth, uint, 0644);
module_param(late_ms, uint, 0644);
module_param(ppb, int, 0444);
static bool unreadable, nameless;
module_param(unreadable, bool, 0644);
module_param(nameless, bool, 0644);

/* Time is `then`, and what has gone by since `raw`, faster by `built_in` and `trim` parts in a thousand million. */
struct clock {
	struct ptp_clock_info info;
	struct ptp_clock *registered;
	spinlock_t lock;
	u64 raw;
	s64 then;
	long built_in, trim;
};

struct port {
	struct net_device *dev, *peer;
	struct clock *clock;
	struct kernel_hwtstamp_config config;
	/* Stamps of frames sent, and the last one. */
	u32 stamps;
	s64 last;
	bool goes_wrong;
};

struct late {
	struct delayed_work work;
	struct sk_buff *skb;
	s64 at;
};

static struct clock clocks[CLOCKS];
static struct net_device *devices[DEVICES];
static struct workqueue_struct *later;

static s64 now_locked(struct clock *clock)
{
	u64 gone = ktime_get_raw_ns() - clock->raw;
	s64 rate = clock->built_in + clock->trim;
	s64 more = mul_u64_u64_div_u64(gone, abs(rate), NSEC_PER_SEC);

	return clock->then + gone + (rate < 0 ? -more : more);
}

static s64 now(struct clock *clock)
{
	unsigned long flags;
	s64 time;

	spin_lock_irqsave(&clock->lock, flags);
	time = now_locked(clock);
	spin_unlock_irqrestore(&clock->lock, flags);
	return time;
}

/* From now on it shows `step` more than it would, or `set` if that is not zero, and is trimmed by `trim`. */
static void turn(struct clock *clock, s64 set, s64 step, const long *trim)
{
	unsigned long flags;

	spin_lock_irqsave(&clock->lock, flags);
	clock->then = (set ? set : now_locked(clock)) + step;
	clock->raw = ktime_get_raw_ns();
	if (trim)
		clock->trim = *trim;
	spin_unlock_irqrestore(&clock->lock, flags);
}

static struct clock *clock_of(struct ptp_clock_info *info)
{
	return container_of(info, struct clock, info);
}

static int clock_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	long trim = scaled_ppm_to_ppb(scaled_ppm);

	turn(clock_of(info), 0, 0, &trim);
	return 0;
}

static int clock_adjtime(struct ptp_clock_info *info, s64 step)
{
	turn(clock_of(info), 0, step, NULL);
	return 0;
}

static int clock_get(struct ptp_clock_info *info, struct timespec64 *time, struct ptp_system_timestamp *system)
{
	s64 at;

	if (unreadable)
		return -EIO;
	ptp_read_system_prets(system);
	at = now(clock_of(info));
	ptp_read_system_postts(system);
	*time = ns_to_timespec64(at);
	return 0;
}

static int clock_set(struct ptp_clock_info *info, const struct timespec64 *time)
{
	turn(clock_of(info), timespec64_to_ns(time), 0, NULL);
	return 0;
}

static bool each(uint nth, u32 number)
{
	return nth && number % nth == 0;
}

static void hand_over(struct sk_buff *skb, s64 at)
{
	struct skb_shared_hwtstamps stamps = { .hwtstamp = ns_to_ktime(at) };

	skb_tstamp_tx(skb, &stamps);
}

static void hand_over_late(struct work_struct *work)
{
	struct late *late = container_of(to_delayed_work(work), struct late, work);

	hand_over(late->skb, late->at);
	kfree_skb(late->skb);
	kfree(late);
}

static void keep_for_later(struct sk_buff *skb, s64 at)
{
	struct late *late = kmalloc(sizeof(*late), GFP_ATOMIC);

	if (!late)
		return;
	INIT_DELAYED_WORK(&late->work, hand_over_late);
	late->skb = skb_get(skb);
	late->at = at;
	queue_delayed_work(later, &late->work, msecs_to_jiffies(READ_ONCE(late_ms)));
}

/* The device has sent the frame: its stamp, right or wrong. */
static void stamp_sent(struct port *port, struct sk_buff *skb)
{
	s64 at = now(port->clock), before = port->last;
	u32 number = ++port->stamps;

	port->last = at;
	if (!port->goes_wrong) {
		hand_over(skb, at);
		return;
	}
	if (each(READ_ONCE(drop_nth), number))
		return;
	if (each(READ_ONCE(zero_nth), number))
		at = 0;
	else if (each(READ_ONCE(stale_nth), number) && before)
		at = before;
	if (each(READ_ONCE(late_nth), number)) {
		keep_for_later(skb, at);
		return;
	}
	hand_over(skb, at);
	if (each(READ_ONCE(twice_nth), number))
		hand_over(skb, at);
}

static void receive(struct net_device *dev, struct sk_buff *skb, unsigned int len)
{
	struct port *port = netdev_priv(dev);

	skb_scrub_packet(skb, true);
	skb->protocol = eth_type_trans(skb, dev);
	skb->tstamp = 0;
	if (port->config.rx_filter != HWTSTAMP_FILTER_NONE)
		skb_hwtstamps(skb)->hwtstamp = ns_to_ktime(now(port->clock));
	else
		memset(skb_hwtstamps(skb), 0, sizeof(*skb_hwtstamps(skb)));
	dev_sw_netstats_rx_add(dev, len);
	netif_rx(skb);
}

static netdev_tx_t port_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct port *port = netdev_priv(dev);
	bool stamped = skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP && port->config.tx_type == HWTSTAMP_TX_ON;
	unsigned int len = skb->len;
	struct sk_buff *copy;

	if (stamped)
		skb_shinfo(skb)->tx_flags |= SKBTX_IN_PROGRESS;
	/* The kernel's stamp first, as with a device that stamps at the wire. */
	skb_tx_timestamp(skb);
	if (stamped)
		stamp_sent(port, skb);
	copy = netif_running(port->peer) ? skb_copy(skb, GFP_ATOMIC) : NULL;
	dev_sw_netstats_tx_add(dev, 1, len);
	dev_consume_skb_any(skb);
	if (copy)
		receive(port->peer, copy, len);
	return NETDEV_TX_OK;
}

static void carry(struct net_device *dev, bool on)
{
	if (on)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
}

/* There is a carrier while both are up. */
static int port_open(struct net_device *dev)
{
	struct port *port = netdev_priv(dev);

	netif_start_queue(dev);
	carry(dev, netif_running(port->peer));
	carry(port->peer, netif_running(port->peer));
	return 0;
}

static int port_stop(struct net_device *dev)
{
	struct port *port = netdev_priv(dev);

	netif_stop_queue(dev);
	netif_carrier_off(dev);
	netif_carrier_off(port->peer);
	return 0;
}

static int port_hwtstamp_get(struct net_device *dev, struct kernel_hwtstamp_config *config)
{
	struct port *port = netdev_priv(dev);

	*config = port->config;
	return 0;
}

/* As many drivers do, it stamps everything that arrives where only frames of PTP were asked for. */
static int port_hwtstamp_set(struct net_device *dev, struct kernel_hwtstamp_config *config,
			     struct netlink_ext_ack *extack)
{
	struct port *port = netdev_priv(dev);

	if (config->tx_type != HWTSTAMP_TX_OFF && config->tx_type != HWTSTAMP_TX_ON)
		return -ERANGE;
	if (config->rx_filter != HWTSTAMP_FILTER_NONE)
		config->rx_filter = HWTSTAMP_FILTER_ALL;
	port->config = *config;
	return 0;
}

static void port_driver(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "hwts", sizeof(info->driver));
}

static int port_ts_info(struct net_device *dev, struct kernel_ethtool_ts_info *info)
{
	struct port *port = netdev_priv(dev);

	info->so_timestamping = SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE |
				SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_TX_SOFTWARE |
				SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	info->phc_index = nameless ? -1 : ptp_clock_index(port->clock->registered);
	info->tx_types = BIT(HWTSTAMP_TX_OFF) | BIT(HWTSTAMP_TX_ON);
	info->rx_filters = BIT(HWTSTAMP_FILTER_NONE) | BIT(HWTSTAMP_FILTER_ALL);
	return 0;
}

static int port_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *settings)
{
	settings->base.speed = SPEED_10000;
	settings->base.duplex = DUPLEX_FULL;
	settings->base.autoneg = AUTONEG_DISABLE;
	return 0;
}

static const struct net_device_ops port_ops = {
	.ndo_open = port_open,
	.ndo_stop = port_stop,
	.ndo_start_xmit = port_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_hwtstamp_get = port_hwtstamp_get,
	.ndo_hwtstamp_set = port_hwtstamp_set,
};

static const struct ethtool_ops port_ethtool_ops = {
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = port_link_ksettings,
	.get_ts_info = port_ts_info,
	.get_drvinfo = port_driver,
};

static void port_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &port_ops;
	dev->ethtool_ops = &port_ethtool_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	eth_hw_addr_random(dev);
	netif_carrier_off(dev);
}

static int start_clock(struct clock *clock, long built_in)
{
	clock->info = (struct ptp_clock_info) {
		.owner = THIS_MODULE,
		.name = "hwts",
		.max_adj = 500000000,
		.adjfine = clock_adjfine,
		.adjtime = clock_adjtime,
		.gettimex64 = clock_get,
		.settime64 = clock_set,
	};
	spin_lock_init(&clock->lock);
	clock->built_in = built_in;
	clock->raw = ktime_get_raw_ns();
	clock->then = ktime_get_real_ns();
	clock->registered = ptp_clock_register(&clock->info, NULL);
	if (!clock->registered)
		return -EOPNOTSUPP;
	return PTR_ERR_OR_ZERO(clock->registered);
}

static void take_down(void)
{
	int n;

	for (n = 0; n < DEVICES; n++)
		if (devices[n] && devices[n]->reg_state == NETREG_REGISTERED)
			unregister_netdev(devices[n]);
	if (later)
		destroy_workqueue(later);
	for (n = 0; n < DEVICES; n++)
		if (devices[n])
			free_netdev(devices[n]);
	for (n = 0; n < CLOCKS; n++)
		if (!IS_ERR_OR_NULL(clocks[n].registered))
			ptp_clock_unregister(clocks[n].registered);
}

static int set_up(void)
{
	struct port *port;
	int n, error;

	for (n = 0; n < CLOCKS; n++) {
		error = start_clock(&clocks[n], n ? ppb : 0);
		if (error)
			return error;
	}
	later = alloc_workqueue("hwts", 0, 0);
	if (!later)
		return -ENOMEM;
	for (n = 0; n < DEVICES; n++) {
		devices[n] = alloc_netdev(sizeof(struct port), "hwts%d", NET_NAME_ENUM, port_setup);
		if (!devices[n])
			return -ENOMEM;
	}
	for (n = 0; n < DEVICES; n++) {
		port = netdev_priv(devices[n]);
		port->dev = devices[n];
		port->peer = devices[n ^ 1];
		port->clock = &clocks[n % CLOCKS];
		port->goes_wrong = n < 2;
		error = register_netdev(devices[n]);
		if (error)
			return error;
	}
	return 0;
}

static int __init hwts_init(void)
{
	int error = set_up();

	if (error)
		take_down();
	return error;
}

static void __exit hwts_exit(void)
{
	take_down();
}

module_init(hwts_init);
module_exit(hwts_exit);
MODULE_DESCRIPTION("linked Ethernet devices with hardware clocks, for tests");
MODULE_LICENSE("GPL");
