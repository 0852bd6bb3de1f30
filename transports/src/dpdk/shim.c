/*
 * What DPDK has as inline functions, or takes as structures too large to write down again in Rust, as plain functions.
 * It becomes a shared object of its own, which the program opens at run time: without DPDK's libraries only that fails.
 * The types that cross are written down a second time in shim_ffi.rs.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_version.h>

#define SHOWN __attribute__((visibility("default")))

/* Most frames that one call takes or gives. */
#define BURST 32

/* A frame that was received; `mbuf` is to be given back. */
struct seen {
	struct rte_mbuf *mbuf;
	const uint8_t *data;
	/* As it arrived; `len` is what lies at `data` in one piece, fewer than `whole` where the frame is in several. */
	uint32_t len;
	uint32_t whole;
	/* In ticks of the device's clock, where `stamped`. */
	uint64_t stamp;
	uint64_t stamped;
};

/* A buffer that is to be sent, and where its bytes go; `mbuf` is null where there is none. */
struct frame {
	struct rte_mbuf *mbuf;
	uint8_t *data;
};

/* How a port is to be set up. */
struct wanted {
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	uint32_t mbufs;
	uint32_t mbuf_cache;
};

/* What it turned out to be. */
struct found {
	struct rte_mempool *pool;
	char driver[32];
	uint8_t mac[6];
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	uint16_t longest;
	int32_t numa_node;
	/* The device writes the arrival's time into received frames. */
	uint8_t rx_stamps;
	/* It has a clock that can be read (IEEE 1588). */
	uint8_t timesync;
};

static int stamp_offset = -1;
static uint64_t stamp_flag;

SHOWN const char *tc_version(void)
{
	return rte_version();
}

SHOWN const char *tc_error(int error)
{
	return rte_strerror(error < 0 ? -error : error);
}

/* rte_errno, negative, on failure. Standard output belongs to the caller: what DPDK prints there goes to standard error. */
SHOWN int tc_eal_init(int argc, char **argv)
{
	stdout = stderr;
	return rte_eal_init(argc, argv) < 0 ? -(rte_errno ? rte_errno : EINVAL) : 0;
}

SHOWN int tc_port_by_name(const char *name, uint16_t *port)
{
	return rte_eth_dev_get_port_by_name(name, port);
}

SHOWN int tc_plug(const char *bus, const char *name, const char *arguments)
{
	return rte_eal_hotplug_add(bus, name, arguments);
}

SHOWN int tc_unplug(const char *bus, const char *name)
{
	return rte_eal_hotplug_remove(bus, name);
}

/* On failure `step` names the call that failed. */
SHOWN int tc_port_prepare(uint16_t port, const char *pool_name, const struct wanted *wanted, struct found *found,
			  const char **step)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	int error;

	*step = "rte_eth_dev_info_get";
	if ((error = rte_eth_dev_info_get(port, &info)) < 0)
		return error;
	memset(found, 0, sizeof(*found));
	snprintf(found->driver, sizeof(found->driver), "%s", info.driver_name);
	found->numa_node = rte_eth_dev_socket_id(port);

	if (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP) {
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
		found->rx_stamps = 1;
	}
	if (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;

	*step = "rte_eth_dev_configure";
	if ((error = rte_eth_dev_configure(port, 1, 1, &conf)) < 0)
		return error;
	*step = "rte_eth_dev_adjust_nb_rx_tx_desc";
	found->rx_descriptors = wanted->rx_descriptors;
	found->tx_descriptors = wanted->tx_descriptors;
	if ((error = rte_eth_dev_adjust_nb_rx_tx_desc(port, &found->rx_descriptors, &found->tx_descriptors)) < 0)
		return error;

	*step = "rte_pktmbuf_pool_create";
	found->pool = rte_pktmbuf_pool_create(pool_name, wanted->mbufs, wanted->mbuf_cache, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					      found->numa_node);
	if (found->pool == NULL)
		return -rte_errno;
	*step = "rte_eth_rx_queue_setup";
	if ((error = rte_eth_rx_queue_setup(port, 0, found->rx_descriptors, found->numa_node, NULL, found->pool)) < 0)
		return error;
	*step = "rte_eth_tx_queue_setup";
	return rte_eth_tx_queue_setup(port, 0, found->tx_descriptors, found->numa_node, NULL);
}

SHOWN int tc_port_start(uint16_t port, struct found *found)
{
	struct rte_ether_addr mac;
	struct timespec time;
	uint16_t mtu;
	int error = rte_eth_dev_start(port);

	if (error < 0)
		return error;

	/* Frames may be addressed to a group, or to the address that the bench's interface has. Not every device can. */
	rte_eth_promiscuous_enable(port);
	if (found->rx_stamps && rte_mbuf_dyn_rx_timestamp_register(&stamp_offset, &stamp_flag) < 0)
		found->rx_stamps = 0;
	if (rte_eth_timesync_enable(port) == 0) {
		found->timesync = rte_eth_timesync_read_time(port, &time) == 0;
		/* Nothing here needs it to run, and stamping may slow a device down. */
		rte_eth_timesync_disable(port);
	}
	if (rte_eth_macaddr_get(port, &mac) == 0)
		memcpy(found->mac, mac.addr_bytes, sizeof(found->mac));
	found->longest = RTE_MBUF_DEFAULT_DATAROOM;
	if (rte_eth_dev_get_mtu(port, &mtu) == 0 && mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN < found->longest)
		found->longest = mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
	return 0;
}

SHOWN void tc_port_stop(uint16_t port)
{
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
}

SHOWN void tc_pool_free(struct rte_mempool *pool)
{
	rte_mempool_free(pool);
}

SHOWN int tc_link_is_up(uint16_t port)
{
	struct rte_eth_link link = { 0 };

	return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

SHOWN uint32_t tc_receive(uint16_t port, struct seen *seen, uint32_t most)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t n, count = rte_eth_rx_burst(port, 0, mbufs, most < BURST ? most : BURST);

	for (n = 0; n < count; n++) {
		struct rte_mbuf *mbuf = mbufs[n];

		seen[n].mbuf = mbuf;
		seen[n].data = rte_pktmbuf_mtod(mbuf, const uint8_t *);
		seen[n].len = mbuf->data_len;
		seen[n].whole = mbuf->pkt_len;
		seen[n].stamped = stamp_offset >= 0 && (mbuf->ol_flags & stamp_flag);
		seen[n].stamp = seen[n].stamped ? *RTE_MBUF_DYNFIELD(mbuf, stamp_offset, rte_mbuf_timestamp_t *) : 0;
		rte_prefetch0(seen[n].data);
	}
	return count;
}

SHOWN void tc_give_back(struct rte_mbuf *mbuf)
{
	rte_pktmbuf_free(mbuf);
}

/* Takes an empty one from the pool, if it has one. */
SHOWN void tc_new_frame(struct rte_mempool *pool, struct frame *frame)
{
	frame->mbuf = rte_pktmbuf_alloc(pool);
	if (frame->mbuf != NULL)
		frame->data = rte_pktmbuf_mtod(frame->mbuf, uint8_t *);
}

/*
 * Sends its first `len` bytes and takes the next from the pool, while the first is on its way. Zero when the device took
 * none: the frame remains the caller's.
 */
SHOWN uint32_t tc_send(uint16_t port, struct rte_mempool *pool, struct frame *frame, uint32_t len)
{
	frame->mbuf->data_len = len;
	frame->mbuf->pkt_len = len;
	if (rte_eth_tx_burst(port, 0, &frame->mbuf, 1) == 0)
		return 0;
	tc_new_frame(pool, frame);
	return 1;
}
