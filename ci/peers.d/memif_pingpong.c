/*
 * A ping-pong over DPDK's memif, to set tickcert's lane beside. Two processes; the one with frames to count sends, the
 * other echoes. `bare` is the least that it takes: no addresses, no ports, no checks, and the echo sends back the buffer
 * that it got. `framed` does what the lane does, by DPDK's own functions: Ethernet, IPv4 and UDP with their checksums,
 * made for each frame, and looked at when it arrives.
 *
 *   memif_pingpong EAL-ARGUMENTS --vdev=net_memif0,... -- KIND BYTES SECONDS    prints p50 and p99 of the round trip in ns
 *   memif_pingpong EAL-ARGUMENTS --vdev=net_memif0,... -- KIND BYTES            echoes until it is told that it is over
 *
 * BYTES are those of the payload.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#define RESOLUTION 4 /* ns in a step of the histogram */
#define STEPS 250000 /* up to 1 ms; what is longer counts as that */
#define LAST 0xff    /* a frame that begins so says that it is over: who is still receiving when the other end goes crashes */

#define PORT 26477
#define SENDER RTE_IPV4(10, 77, 0, 1)
#define RECEIVER RTE_IPV4(10, 77, 0, 2)

struct headers {
	struct rte_ether_hdr ether;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
} __rte_packed;

static uint32_t steps[STEPS];
static int framed;

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

/* Whether it is intact and ours; anything is, where frames have no headers. */
static int is_ours(struct rte_mbuf *mbuf)
{
	const struct headers *h = rte_pktmbuf_mtod(mbuf, const struct headers *);
	uint16_t total;

	if (!framed)
		return 1;
	if (mbuf->data_len < sizeof(*h) || h->ether.ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
	    h->ip.version_ihl != RTE_IPV4_VHL_DEF || h->ip.next_proto_id != IPPROTO_UDP)
		return 0;
	total = rte_be_to_cpu_16(h->ip.total_length);
	return total >= sizeof(h->ip) + sizeof(h->udp) && sizeof(h->ether) + total <= mbuf->data_len &&
	       rte_raw_cksum(&h->ip, sizeof(h->ip)) == 0xffff && h->ip.dst_addr == RTE_BE32(RECEIVER) &&
	       h->udp.dst_port == RTE_BE16(PORT) && rte_ipv4_udptcp_cksum_verify(&h->ip, &h->udp) == 0;
}

static const uint8_t *payload(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, framed ? sizeof(struct headers) : 0);
}

/* Around the payload that is there already. */
static void put_headers(struct headers *h, uint16_t bytes)
{
	memset(h, 0, sizeof(*h));
	h->ether.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	h->ip.version_ihl = RTE_IPV4_VHL_DEF;
	h->ip.total_length = rte_cpu_to_be_16(sizeof(h->ip) + sizeof(h->udp) + bytes);
	h->ip.time_to_live = 64;
	h->ip.next_proto_id = IPPROTO_UDP;
	h->ip.src_addr = RTE_BE32(SENDER);
	h->ip.dst_addr = RTE_BE32(RECEIVER);
	h->udp.src_port = h->udp.dst_port = RTE_BE16(PORT);
	h->udp.dgram_len = rte_cpu_to_be_16(sizeof(h->udp) + bytes);
	h->ip.hdr_checksum = rte_ipv4_cksum(&h->ip);
	h->udp.dgram_cksum = rte_ipv4_udptcp_cksum(&h->ip, &h->udp);
}

/* Of so many bytes, copied from `content`, or all zero, or all the mark that says that it is over. */
static void ping(uint16_t port, struct rte_mempool *pool, uint32_t bytes, const uint8_t *content, int fill)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

	if (mbuf == NULL)
		die("no buffer");
	/* Frames without headers are as long as those with. */
	mbuf->data_len = mbuf->pkt_len = sizeof(struct headers) + bytes;
	if (content != NULL)
		memcpy((void *)payload(mbuf), content, bytes);
	else
		memset((void *)payload(mbuf), fill, framed ? bytes : mbuf->data_len);
	if (framed)
		put_headers(rte_pktmbuf_mtod(mbuf, struct headers *), bytes);
	while (rte_eth_tx_burst(port, 0, &mbuf, 1) == 0)
		;
}

static void echo(uint16_t port, struct rte_mempool *pool, uint32_t bytes)
{
	struct rte_mbuf *mbuf;
	uint32_t idle = 0;

	for (;;) {
		if (rte_eth_rx_burst(port, 0, &mbuf, 1) == 1) {
			if (!is_ours(mbuf))
				die("a frame that is not ours");
			if (*payload(mbuf) == LAST)
				return;
			if (framed) {
				ping(port, pool, bytes, payload(mbuf), 0);
				rte_pktmbuf_free(mbuf);
			} else {
				while (rte_eth_tx_burst(port, 0, &mbuf, 1) == 0)
					;
			}
			idle = 0;
		} else if (++idle == 10000000) {
			if (input_ended())
				return;
			idle = 0;
		}
	}
}

static void initiate(uint16_t port, struct rte_mempool *pool, uint32_t bytes, double seconds)
{
	uint64_t hz = rte_get_tsc_hz(), begin = rte_rdtsc_precise(), warm = begin + hz / 2;
	uint64_t end = warm + (uint64_t)(seconds * hz), sent, took, count = 0;
	struct rte_eth_link link = { .link_status = RTE_ETH_LINK_UP };
	struct rte_mbuf *mbuf;

	while ((sent = rte_rdtsc_precise()) < end) {
		ping(port, pool, bytes, NULL, 0);
		while (rte_eth_rx_burst(port, 0, &mbuf, 1) == 0)
			;
		if (!is_ours(mbuf))
			die("a frame that is not ours");
		took = (rte_rdtsc_precise() - sent) * 1000000000.0 / hz / RESOLUTION;
		rte_pktmbuf_free(mbuf);
		if (sent < warm)
			continue;
		steps[took < STEPS ? took : STEPS - 1]++;
		count++;
	}
	ping(port, pool, bytes, NULL, LAST);
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

	if (used < 0 || argc - used < 3)
		die("wrong arguments");
	argv += used;
	framed = strcmp(argv[1], "framed") == 0;
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
	if (argc - used > 3)
		initiate(0, pool, atoi(argv[2]), atof(argv[3]));
	else
		echo(0, pool, atoi(argv[2]));
	return 0;
}
