/*
 * The least that a ping-pong over DPDK's memif takes, to set tickcert's lane beside: no addresses, no ports, no checks, no
 * stamps but one for each round. Two processes; the one with frames to count sends, the other echoes.
 *
 *   memif_pingpong EAL-ARGUMENTS --vdev=net_memif0,... -- BYTES SECONDS     prints p50 and p99 of the round trip in ns
 *   memif_pingpong EAL-ARGUMENTS --vdev=net_memif0,... -- BYTES             echoes until it is told that it is over
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define RESOLUTION 4 /* ns in a step of the histogram */
#define STEPS 250000 /* up to 1 ms; what is longer counts as that */
#define LAST 0xff    /* a frame that begins so says that it is over: who is still receiving when the other end goes crashes */

static uint32_t steps[STEPS];

static void die(const char *what)
{
	fprintf(stderr, "memif_pingpong: %s\n", what);
	exit(1);
}

static int input_ended(void)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };

	return poll(&input, 1, 0) != 0;
}

static uint64_t quantile(double q, uint64_t count)
{
	uint64_t seen = 0, step;

	for (step = 0; step < STEPS - 1; step++)
		if ((seen += steps[step]) >= (uint64_t)(q * count + 0.5))
			break;
	return step * RESOLUTION + RESOLUTION / 2;
}

static void echo(uint16_t port)
{
	struct rte_mbuf *mbuf;
	uint32_t idle = 0;

	for (;;) {
		if (rte_eth_rx_burst(port, 0, &mbuf, 1) == 1) {
			if (*rte_pktmbuf_mtod(mbuf, uint8_t *) == LAST)
				return;
			while (rte_eth_tx_burst(port, 0, &mbuf, 1) == 0)
				;
			idle = 0;
		} else if (++idle == 10000000) {
			if (input_ended())
				return;
			idle = 0;
		}
	}
}

static void ping(uint16_t port, struct rte_mempool *pool, uint32_t bytes, int content)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

	if (mbuf == NULL)
		die("no buffer");
	mbuf->data_len = bytes;
	mbuf->pkt_len = bytes;
	memset(rte_pktmbuf_mtod(mbuf, void *), content, bytes);
	while (rte_eth_tx_burst(port, 0, &mbuf, 1) == 0)
		;
}

static void initiate(uint16_t port, struct rte_mempool *pool, uint32_t bytes, double seconds)
{
	uint64_t hz = rte_get_tsc_hz(), begin = rte_rdtsc_precise(), warm = begin + hz / 2;
	uint64_t end = warm + (uint64_t)(seconds * hz), sent, took, count = 0;
	struct rte_eth_link link = { .link_status = RTE_ETH_LINK_UP };
	struct rte_mbuf *mbuf;

	while ((sent = rte_rdtsc_precise()) < end) {
		ping(port, pool, bytes, 0);
		while (rte_eth_rx_burst(port, 0, &mbuf, 1) == 0)
			;
		took = (rte_rdtsc_precise() - sent) * 1000000000.0 / hz / RESOLUTION;
		rte_pktmbuf_free(mbuf);
		if (sent < warm)
			continue;
		steps[took < STEPS ? took : STEPS - 1]++;
		count++;
	}
	ping(port, pool, bytes, LAST);
	printf("%lu %lu\n", (unsigned long)quantile(0.5, count), (unsigned long)quantile(0.99, count));
	fflush(stdout);
	while (link.link_status == RTE_ETH_LINK_UP && !input_ended())
		rte_eth_link_get_nowait(port, &link);
}

int main(int argc, char **argv)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_link link = { 0 };
	struct rte_mempool *pool;
	int used = rte_eal_init(argc, argv);

	if (used < 0 || argc - used < 2)
		die("wrong arguments");
	argv += used;
	pool = rte_pktmbuf_pool_create("frames", 4095, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		die("no pool");
	if (rte_eth_dev_configure(0, 1, 1, &conf) != 0 ||
	    rte_eth_rx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, NULL, pool) != 0 ||
	    rte_eth_tx_queue_setup(0, 0, 1024, SOCKET_ID_ANY, NULL) != 0 || rte_eth_dev_start(0) != 0)
		die("the port does not start");
	fprintf(stderr, "started\n");
	while (link.link_status != RTE_ETH_LINK_UP) {
		if (input_ended())
			return 1;
		rte_eth_link_get_nowait(0, &link);
	}
	if (argc - used > 2)
		initiate(0, pool, atoi(argv[1]), atof(argv[2]));
	else
		echo(0);
	return 0;
}
