/*
 * The other side of the benchmark: the same messages, sent and walked by C with nothing in between.
 *
 *   nbma-bench WHAT IFINDEX COUNT [FROM]
 *
 * runs in the network namespace it is started in, on the device IFINDEX, for COUNT peers from number FROM on, and
 * prints one line of JSON: how long it took in milliseconds, how much of that on a processor, how many messages the kernel applied, the peak of resident
 * memory in kilobytes, and which errors (errno) came how often.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#define PROTOCOL 78
#define PER_DATAGRAM 128
#define ERROR_CODES 256

static int fd;
static uint32_t seq = 1;
static int ifindex;
static uint8_t datagram[1 << 16];
static size_t used;
static int queued;
static size_t last;
static long applied;
static int failures[ERROR_CODES];
static uint8_t in[1 << 18];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* Processor time of this process, in milliseconds. */
static double cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void option(int level, int name, int value)
{
	/* Older kernels lack some; what they do is then what was asked for, only slower. */
	setsockopt(fd, level, name, &value, sizeof value);
}

static void open_socket(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		die("socket");
	option(SOL_NETLINK, NETLINK_CAP_ACK, 1);
	option(SOL_NETLINK, NETLINK_EXT_ACK, 1);
	option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
	if (connect(fd, (struct sockaddr *)&kernel, sizeof kernel) < 0)
		die("connect");
}

/* Messages */

static struct nlmsghdr *message(uint8_t *at, int type, int flags, const void *header, size_t size)
{
	struct nlmsghdr *h = (void *)at;

	h->nlmsg_len = NLMSG_LENGTH(size);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = 0;
	h->nlmsg_pid = 0;
	memcpy(NLMSG_DATA(h), header, size);
	return h;
}

static void put(struct nlmsghdr *h, int type, const void *data, size_t size)
{
	struct rtattr *a = (void *)((uint8_t *)h + NLMSG_ALIGN(h->nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(size);
	memcpy(RTA_DATA(a), data, size);
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static void put32(struct nlmsghdr *h, int type, uint32_t value)
{
	put(h, type, &value, sizeof value);
}

static uint32_t destination(long i) { return htonl(0x0c000000u + i); }
static uint32_t endpoint(long i) { return htonl(0x0a400000u + i); }

/* MurmurHash3's finaliser. */
static uint32_t fmix32(uint32_t h)
{
	h = (h ^ (h >> 16)) * 0x85ebca6b;
	h = (h ^ (h >> 13)) * 0xc2b2ae35;
	return h ^ (h >> 16);
}

enum gateways { DISTINCT, ONE_GATEWAY, ONE_METRIC, OVERLAY };

static uint32_t metric(long i, enum gateways how)
{
	if (how == OVERLAY)
		return 0x1000000 + (uint32_t)((uint64_t)fmix32(ntohl(endpoint(i))) * 0x100000 >> 32);
	return how == ONE_GATEWAY ? 1000 : 1000 + i;
}

static struct nlmsghdr *make_route(uint8_t *at, long i, enum gateways how)
{
	struct rtmsg header = {
		.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = PROTOCOL,
		.rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST, .rtm_flags = RTNH_F_ONLINK,
	};
	struct nlmsghdr *h = message(at, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);

	put32(h, RTA_DST, destination(i));
	put32(h, RTA_GATEWAY, endpoint(how == ONE_GATEWAY ? 0 : i));
	put32(h, RTA_OIF, ifindex);
	if (how != ONE_METRIC)
		put32(h, RTA_PRIORITY, metric(i, how));
	return h;
}

static struct nlmsghdr *make_dead_route(uint8_t *at, long i)
{
	struct rtmsg header = {
		.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_MAIN, .rtm_scope = RT_SCOPE_NOWHERE,
	};
	struct nlmsghdr *h = message(at, RTM_DELROUTE, 0, &header, sizeof header);

	put32(h, RTA_DST, destination(i));
	put32(h, RTA_PRIORITY, 1000 + i);
	return h;
}

static struct nlmsghdr *make_nexthop(uint8_t *at, long i)
{
	struct nhmsg header = { .nh_family = AF_INET, .nh_protocol = PROTOCOL, .nh_flags = RTNH_F_ONLINK };
	struct nlmsghdr *h = message(at, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);

	put32(h, NHA_ID, i + 1);
	put32(h, NHA_GATEWAY, endpoint(i));
	put32(h, NHA_OIF, ifindex);
	return h;
}

static struct nlmsghdr *make_nexthop_route(uint8_t *at, long i)
{
	struct rtmsg header = {
		.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = PROTOCOL,
		.rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST,
	};
	struct nlmsghdr *h = message(at, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);

	put32(h, RTA_DST, destination(i));
	put32(h, RTA_NH_ID, i + 1);
	return h;
}

static void mac_of(long i, uint8_t mac[6])
{
	mac[0] = 2;
	mac[1] = 0;
	mac[2] = i >> 24;
	mac[3] = i >> 16;
	mac[4] = i >> 8;
	mac[5] = i;
}

static struct nlmsghdr *make_neighbour(uint8_t *at, long i)
{
	struct ndmsg header = { .ndm_family = AF_INET, .ndm_ifindex = ifindex, .ndm_state = NUD_PERMANENT };
	struct nlmsghdr *h = message(at, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
	uint8_t mac[6];

	mac_of(i, mac);
	put32(h, NDA_DST, endpoint(i));
	put(h, NDA_LLADDR, mac, sizeof mac);
	return h;
}

static struct nlmsghdr *make_fdb(uint8_t *at, long i)
{
	struct ndmsg header = {
		.ndm_family = AF_BRIDGE, .ndm_ifindex = ifindex, .ndm_state = NUD_PERMANENT, .ndm_flags = NTF_SELF,
	};
	struct nlmsghdr *h = message(at, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
	uint8_t mac[6];

	mac_of(i, mac);
	put(h, NDA_LLADDR, mac, sizeof mac);
	put32(h, NDA_DST, endpoint(i));
	return h;
}

/* Batches: only the last message of a datagram asks for an acknowledgement; errors come without being asked for. */

static void settle_batch(void)
{
	struct nlmsghdr *h = (void *)(datagram + last);
	uint32_t final = h->nlmsg_seq;
	int done = 0;

	h->nlmsg_flags |= NLM_F_ACK;
	if (send(fd, datagram, used, 0) != (ssize_t)used)
		die("send");
	applied += queued;
	while (!done) {
		ssize_t n = recv(fd, in, sizeof in, 0);
		if (n < 0)
			die("recv");
		for (h = (void *)in; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			struct nlmsgerr *e = NLMSG_DATA(h);
			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			if (e->error != 0) {
				applied--;
				failures[-e->error % ERROR_CODES]++;
			}
			if (h->nlmsg_seq == final)
				done = 1;
		}
	}
	used = 0;
	queued = 0;
}

static void flush_batch(void)
{
	if (queued > 0)
		settle_batch();
}

static uint8_t *room(void)
{
	if (queued == PER_DATAGRAM || used + 1024 > sizeof datagram)
		settle_batch();
	return datagram + used;
}

static void add(struct nlmsghdr *h)
{
	h->nlmsg_seq = seq++;
	last = used;
	used += NLMSG_ALIGN(h->nlmsg_len);
	queued++;
}

/* Dumps */

static void ask(int type, const void *header, size_t size)
{
	struct nlmsghdr *h = message(datagram, type, NLM_F_DUMP, header, size);

	h->nlmsg_seq = seq++;
	if (send(fd, datagram, h->nlmsg_len, 0) < 0)
		die("send");
}

/* Calls `each` for every message of a dump's answer. */
static void walk(void (*each)(struct nlmsghdr *))
{
	for (;;) {
		ssize_t n = recv(fd, in, 32768, 0);
		if (n < 0)
			die("recv");
		for (struct nlmsghdr *h = (void *)in; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return;
			if (h->nlmsg_type == NLMSG_ERROR) {
				errno = -((struct nlmsgerr *)NLMSG_DATA(h))->error;
				die("dump");
			}
			each(h);
		}
	}
}

static void ask_routes(void)
{
	struct rtmsg header = { .rtm_family = AF_INET };

	ask(RTM_GETROUTE, &header, sizeof header);
}

static uint64_t sum;

struct route {
	uint32_t dst, gateway, oif, table, priority;
	uint8_t length, protocol;
};

/* What a program would take from a route: all that a struct can hold of it. */
static void read_route(struct nlmsghdr *h)
{
	struct rtmsg *m = NLMSG_DATA(h);
	int left = RTM_PAYLOAD(h);
	struct route r = { .length = m->rtm_dst_len, .protocol = m->rtm_protocol, .table = m->rtm_table };

	for (struct rtattr *a = RTM_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		uint32_t value = RTA_PAYLOAD(a) >= 4 ? *(uint32_t *)RTA_DATA(a) : 0;
		switch (a->rta_type) {
		case RTA_DST: r.dst = value; break;
		case RTA_GATEWAY: r.gateway = value; break;
		case RTA_OIF: r.oif = value; break;
		case RTA_TABLE: r.table = value; break;
		case RTA_PRIORITY: r.priority = value; break;
		}
	}
	sum += r.dst ^ r.gateway ^ r.oif ^ r.table ^ r.priority ^ r.length ^ r.protocol;
	if (m->rtm_protocol == PROTOCOL)
		applied++;
}

/* Clearing: what a dump shows is collected first, because it cannot be deleted while it is being read. */

static uint8_t *kept;
static size_t kept_size, kept_room;

static void keep(struct nlmsghdr *h)
{
	size_t n = NLMSG_ALIGN(h->nlmsg_len);

	if (kept_size + n > kept_room) {
		kept_room = (kept_room + n) * 2;
		kept = realloc(kept, kept_room);
		if (!kept)
			die("realloc");
	}
	memcpy(kept + kept_size, h, h->nlmsg_len);
	kept_size += n;
}

static void keep_route(struct nlmsghdr *h)
{
	struct rtmsg *m = NLMSG_DATA(h);

	if (m->rtm_protocol == PROTOCOL)
		keep(h);
}

static const void *attribute(struct nlmsghdr *h, size_t header, int type)
{
	struct rtattr *a = (void *)((uint8_t *)NLMSG_DATA(h) + NLMSG_ALIGN(header));
	int left = NLMSG_PAYLOAD(h, header);

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type)
			return RTA_DATA(a);
	return NULL;
}

static void delete_route(struct nlmsghdr *h)
{
	static const int key[] = { RTA_DST, RTA_TABLE, RTA_PRIORITY };
	struct rtmsg header = *(struct rtmsg *)NLMSG_DATA(h);
	struct nlmsghdr *d;

	header.rtm_scope = RT_SCOPE_NOWHERE;
	header.rtm_type = RTN_UNSPEC;
	header.rtm_flags = 0;
	d = message(room(), RTM_DELROUTE, 0, &header, sizeof header);
	for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
		const void *value = attribute(h, sizeof header, key[i]);
		if (value)
			put(d, key[i], value, 4);
	}
	add(d);
}

static void delete_nexthop(struct nlmsghdr *h)
{
	struct nhmsg header = { 0 };
	struct nlmsghdr *d = message(room(), RTM_DELNEXTHOP, 0, &header, sizeof header);

	put(d, NHA_ID, attribute(h, sizeof header, NHA_ID), 4);
	add(d);
}

static void delete_kept(void (*delete_one)(struct nlmsghdr *))
{
	for (size_t at = 0; at < kept_size;) {
		struct nlmsghdr *h = (void *)(kept + at);

		at += NLMSG_ALIGN(h->nlmsg_len);
		delete_one(h);
	}
	flush_batch();
	kept_size = 0;
}

/* Routes before nexthops: each nexthop that still has routes makes the kernel look through all of them. */
static void clear(void)
{
	struct nhmsg nexthops = { 0 };

	ask_routes();
	walk(keep_route);
	delete_kept(delete_route);
	ask(RTM_GETNEXTHOP, &nexthops, sizeof nexthops);
	walk(keep);
	delete_kept(delete_nexthop);
}

/* Takes the kernel's RTNL lock once. */
static void touch(void)
{
	struct ifinfomsg header = { .ifi_index = 1 };
	struct nlmsghdr *h = message(room(), RTM_NEWLINK, 0, &header, sizeof header);

	put32(h, IFLA_TXQLEN, 1000);
	add(h);
	flush_batch();
}

/* Waits until nobody holds RTNL for long: the remains of other namespaces are gone. */
static void settle(void)
{
	double start = now();

	for (int calm = 0; calm < 5 && now() - start < 60000;) {
		double before = now();
		touch();
		calm = now() - before < 2 ? calm + 1 : 0;
		usleep(10000);
	}
}

static void link_down(void)
{
	struct ifinfomsg header = { .ifi_index = ifindex, .ifi_change = IFF_UP };

	add(message(room(), RTM_NEWLINK, 0, &header, sizeof header));
	flush_batch();
}

/* Events: the changes are made first, by another socket, so that what is measured is the reader. */

static void join(int group)
{
	option(SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
	if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
		die("NETLINK_ADD_MEMBERSHIP");
}

static void run_batch(struct nlmsghdr *(*make)(uint8_t *, long), long from, long to)
{
	for (long i = from; i < to; i++)
		add(make(room(), i));
	flush_batch();
}

static struct nlmsghdr *route_distinct(uint8_t *at, long i) { return make_route(at, i, DISTINCT); }
static struct nlmsghdr *route_one_gateway(uint8_t *at, long i) { return make_route(at, i, ONE_GATEWAY); }
static struct nlmsghdr *route_one_metric(uint8_t *at, long i) { return make_route(at, i, ONE_METRIC); }
static struct nlmsghdr *route_of_overlay(uint8_t *at, long i) { return make_route(at, i, OVERLAY); }

static double cpu_spent;

static double receive_events(long first, long end)
{
	int monitor, requests;
	double spent = 0;

	open_socket();
	requests = fd;
	open_socket();
	monitor = fd;
	join(RTNLGRP_IPV4_ROUTE);
	for (long from = first; from < end; from += 2000) {
		long to = from + 2000 < end ? from + 2000 : end, seen = applied;
		double start, start_cpu;

		fd = requests;
		run_batch(route_distinct, from, to);
		fd = monitor;
		applied = seen;
		start = now();
		start_cpu = cpu();
		while (applied < seen + to - from) {
			ssize_t n = recv(fd, in, sizeof in, 0);
			if (n < 0)
				die("recv");
			for (struct nlmsghdr *h = (void *)in; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
				read_route(h);
		}
		spent += now() - start;
		cpu_spent += cpu() - start_cpu;
	}
	return spent;
}

static double encode_only(long from, long to)
{
	double start = now();

	for (long i = from; i < to; i++) {
		struct nlmsghdr *h = make_route(datagram + used, i, DISTINCT);
		sum += h->nlmsg_len;
		used = used + 1024 > sizeof datagram ? 0 : used + h->nlmsg_len;
	}
	applied = to - from;
	return now() - start;
}

static double run(const char *what, long from, long to)
{
	double start = now();

	if (!strcmp(what, "route-batch"))
		run_batch(route_distinct, from, to);
	else if (!strcmp(what, "overlay"))
		run_batch(route_of_overlay, from, to);
	else if (!strcmp(what, "route-one-gateway"))
		run_batch(route_one_gateway, from, to);
	else if (!strcmp(what, "route-one-metric"))
		run_batch(route_one_metric, from, to);
	else if (!strcmp(what, "neighbour"))
		run_batch(make_neighbour, from, to);
	else if (!strcmp(what, "fdb"))
		run_batch(make_fdb, from, to);
	else if (!strcmp(what, "delete"))
		run_batch(make_dead_route, from, to);
	else if (!strcmp(what, "pairs")) {
		for (long i = from; i < to; i++) {
			add(make_nexthop(room(), i));
			add(make_nexthop_route(room(), i));
		}
		flush_batch();
	} else if (!strcmp(what, "single")) {
		for (long i = from; i < to; i++) {
			add(make_route(room(), i, DISTINCT));
			flush_batch();
		}
	} else if (!strcmp(what, "dump")) {
		ask_routes();
		walk(read_route);
	} else if (!strcmp(what, "down"))
		link_down();
	else if (!strcmp(what, "clear"))
		clear();
	else if (!strcmp(what, "settle"))
		settle();
	else if (!strcmp(what, "monitor"))
		return receive_events(from, to);
	else if (!strcmp(what, "encode"))
		return encode_only(from, to);
	else {
		fprintf(stderr, "nbma-bench: %s is not known\n", what);
		exit(2);
	}
	return now() - start;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	long from;
	double ms, before;

	if (argc < 4) {
		fprintf(stderr, "usage: nbma-bench WHAT IFINDEX COUNT [FROM]\n");
		return 2;
	}
	from = argc > 4 ? atol(argv[4]) : 0;
	ifindex = atoi(argv[2]);
	open_socket();
	before = cpu();
	ms = run(argv[1], from, from + atol(argv[3]));
	if (cpu_spent == 0)
		cpu_spent = cpu() - before;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"ms\":%.3f,\"cpu\":%.3f,\"applied\":%ld,\"peak\":%ld,\"errors\":{", ms, cpu_spent, applied, usage.ru_maxrss);
	for (int i = 0, n = 0; i < ERROR_CODES; i++)
		if (failures[i])
			printf("%s\"%d\":%d", n++ ? "," : "", i, failures[i]);
	printf("},\"sum\":\"%llu\"}\n", (unsigned long long)sum);
	return 0;
}
