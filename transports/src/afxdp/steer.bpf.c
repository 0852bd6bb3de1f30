/* Hands the frames of the lane to the AF_XDP socket of their queue; everything else goes on to the kernel.
 *
 * Compiled by build.rs, twice: with STAMPS the driver's receive stamp goes in front of each of them. No headers: what is
 * used of the kernel's interface is declared here, after linux/bpf.h.
 *
 * SPDX-License-Identifier: MIT OR GPL-2.0-only */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SECTION(name) __attribute__((section(name), used))

enum { XDP_PASS = 2 };
enum { BPF_MAP_TYPE_XSKMAP = 17 };

struct xdp_md {
    u32 data;
    u32 data_end;
    u32 data_meta;
    u32 ingress_ifindex;
    u32 rx_queue_index;
    u32 egress_ifindex;
};

static long (*const bpf_redirect_map)(void *map, u64 key, u64 flags) = (void *)51;

#ifdef STAMPS
static long (*const bpf_xdp_adjust_meta)(struct xdp_md *context, int delta) = (void *)54;
/* A function of the driver; only programs loaded for its device have it. */
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *context, u64 *at) SECTION(".ksyms");

/* As in stamp.rs. */
struct stamp {
    u64 mark, at;
};
#define STAMP_MARK 0x7469636b63657274ull
#endif

/* One socket for each queue of the device. */
struct {
    int (*type)[BPF_MAP_TYPE_XSKMAP];
    int (*max_entries)[64];
    u32 *key;
    u32 *value;
} sockets SECTION(".maps");

/* Ports of the lane in network byte order, set before loading; zero is none. */
const volatile struct {
    u16 udp_to[2];
    u16 tcp_to;
    u16 tcp_from;
} steer = {};

struct ethernet {
    u8 to[6], from[6];
    u16 type;
};
struct vlan {
    u16 tag, type;
};
struct ipv4 {
    u8 version_and_words, service;
    u16 length, id, fragment;
    u8 hops, protocol;
    u16 checksum;
    u32 from, to;
};
struct ports {
    u16 from, to;
};

#define BIG_ENDIAN_16(n) __builtin_bswap16(n)
enum { UDP = 17, TCP = 6 };

static int is_ours(u8 protocol, const struct ports *ports)
{
    if (protocol == UDP)
        return ports->to && (ports->to == steer.udp_to[0] || ports->to == steer.udp_to[1]);
    if (protocol == TCP)
        return (steer.tcp_to && ports->to == steer.tcp_to) || (steer.tcp_from && ports->from == steer.tcp_from);
    return 0;
}

SECTION("xdp")
int steer_frames(struct xdp_md *context)
{
    const u8 *at = (void *)(long)context->data;
    const u8 *end = (void *)(long)context->data_end;

    const struct ethernet *ethernet = (void *)at;
    at += sizeof(*ethernet);
    if (at > end)
        return XDP_PASS;
    u16 type = ethernet->type;

    if (type == BIG_ENDIAN_16(0x8100)) {
        const struct vlan *vlan = (void *)at;
        at += sizeof(*vlan);
        if (at > end)
            return XDP_PASS;
        type = vlan->type;
    }
    if (type != BIG_ENDIAN_16(0x0800))
        return XDP_PASS;

    const struct ipv4 *ip = (void *)at;
    if (at + sizeof(*ip) > end)
        return XDP_PASS;
    /* Pieces of a datagram: only the first has ports, so the kernel gets all of them. */
    if (ip->fragment & BIG_ENDIAN_16(0x3fff))
        return XDP_PASS;

    at += (ip->version_and_words & 15) * 4;
    const struct ports *ports = (void *)at;
    if (at + sizeof(*ports) > end || !is_ours(ip->protocol, ports))
        return XDP_PASS;

#ifdef STAMPS
    u64 received;
    if (bpf_xdp_metadata_rx_timestamp(context, &received))
        received = 0;
    /* No room, no stamp: the reader looks for the mark. */
    if (!bpf_xdp_adjust_meta(context, -(int)sizeof(struct stamp))) {
        struct stamp *stamp = (void *)(long)context->data_meta;
        if ((void *)(stamp + 1) <= (void *)(long)context->data) {
            stamp->mark = STAMP_MARK;
            stamp->at = received;
        }
    }
#endif
    /* A queue without a socket falls back to the kernel too. */
    return bpf_redirect_map(&sockets, context->rx_queue_index, XDP_PASS);
}

/* Functions of the kernel such as that for the stamp are for programs under the GPL, which MIT goes with. */
char licence[] SECTION("license") = "Dual MIT/GPL";
