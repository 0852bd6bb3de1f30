/*
 * DPDK's inline functions as plain ones, and what it takes or gives as structures: those with unions, bit fields and parts
 * kept for later (rte_eth_conf, rte_eth_dev_info, rte_eth_link, rte_eth_stats) can't be written down again in Rust so that
 * they would be right in every build of DPDK, so here they are filled from, and read into, a few numbers. All else is called
 * from Rust. It becomes a shared object of its own, which the program opens at run time: without DPDK's libraries only that
 * fails. The types that cross are written down a second time in shim_ffi.rs.
 */
#include <stdint.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

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

/* Where a received frame has its stamp, and the flag that says that it has one; `offset` is below 0 for never. */
struct stamps {
	uint64_t flag;
	int offset;
};

/* A buffer that is to be sent, and where its bytes go; `mbuf` is null where there is none. */
struct frame {
	struct rte_mbuf *mbuf;
	uint8_t *data;
};

/* Of struct rte_eth_dev_info. */
struct info {
	char driver[32];
	/* The device can write the arrival's time into received frames. */
	uint8_t rx_stamps;
	/* It gives sent buffers back all at once where all are of one pool. */
	uint8_t fast_free;
};

/* Of struct rte_eth_stats. */
struct counts {
	uint64_t missed;
	uint64_t without_buffer;
	uint64_t receive_errors;
	uint64_t send_errors;
};

/* A variable of each thread, behind a macro. */
SHOWN int tc_errno(void)
{
	return rte_errno;
}

SHOWN int tc_info(uint16_t port, struct info *info)
{
	struct rte_eth_dev_info all;
	int error = rte_eth_dev_info_get(port, &all);

	if (error < 0)
		return error;
	snprintf(info->driver, sizeof(info->driver), "%s", all.driver_name);
	info->rx_stamps = (all.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP) != 0;
	info->fast_free = (all.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE) != 0;
	return 0;
}

/* One queue each way. */
SHOWN int tc_configure(uint16_t port, uint32_t rx_stamps, uint32_t fast_free)
{
	struct rte_eth_conf conf = { 0 };

	if (rx_stamps)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	if (fast_free)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	return rte_eth_dev_configure(port, 1, 1, &conf);
}

SHOWN int tc_link_is_up(uint16_t port)
{
	struct rte_eth_link link = { 0 };

	return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

SHOWN int tc_counts(uint16_t port, struct counts *counts)
{
	struct rte_eth_stats stats = { 0 };
	int error = rte_eth_stats_get(port, &stats);

	counts->missed = stats.imissed;
	counts->without_buffer = stats.rx_nombuf;
	counts->receive_errors = stats.ierrors;
	counts->send_errors = stats.oerrors;
	return error;
}

SHOWN uint32_t tc_receive(uint16_t port, struct seen *seen, uint32_t most, const struct stamps *stamps)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t n, count = rte_eth_rx_burst(port, 0, mbufs, most < BURST ? most : BURST);

	for (n = 0; n < count; n++) {
		struct rte_mbuf *mbuf = mbufs[n];

		seen[n].mbuf = mbuf;
		seen[n].data = rte_pktmbuf_mtod(mbuf, const uint8_t *);
		seen[n].len = mbuf->data_len;
		seen[n].whole = mbuf->pkt_len;
		seen[n].stamped = stamps->offset >= 0 && (mbuf->ol_flags & stamps->flag);
		seen[n].stamp = seen[n].stamped ? *RTE_MBUF_DYNFIELD(mbuf, stamps->offset, rte_mbuf_timestamp_t *) : 0;
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
