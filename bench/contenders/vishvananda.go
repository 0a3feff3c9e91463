// vishvananda/netlink: one call of a Handle for each object.
//
//	vishvananda WHAT IFINDEX COUNT
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
)

const protocol = 78

func dotted(n int) net.IP { return net.IPv4(byte(n>>24), byte(n>>16), byte(n>>8), byte(n)) }

func destination(i int) *net.IPNet {
	return &net.IPNet{IP: dotted(0x0c000000 + i), Mask: net.CIDRMask(32, 32)}
}

func endpoint(i int) net.IP { return dotted(0x0a400000 + i) }

func mac(i int) net.HardwareAddr {
	return net.HardwareAddr{2, 0, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
}

func route(i int, ifindex int, gateway net.IP, priority int) *netlink.Route {
	return &netlink.Route{
		LinkIndex: ifindex, Dst: destination(i), Gw: gateway, Priority: priority,
		Protocol: protocol, Flags: int(netlink.FLAG_ONLINK),
	}
}

func main() {
	what := os.Args[1]
	ifindex, _ := strconv.Atoi(os.Args[2])
	count, _ := strconv.Atoi(os.Args[3])
	handle, err := netlink.NewHandle()
	if err != nil {
		log.Fatal(err)
	}
	each := func(action func(i int) error) {
		for i := 0; i < count; i++ {
			if err := action(i); err != nil {
				log.Fatal(err)
			}
		}
	}
	applied := count
	before := cpu()
	start := time.Now()
	switch what {
	case "route-batch", "single":
		each(func(i int) error { return handle.RouteAdd(route(i, ifindex, endpoint(i), 1000+i)) })
	case "route-one-gateway":
		each(func(i int) error { return handle.RouteAdd(route(i, ifindex, endpoint(0), 1000)) })
	case "neighbour":
		each(func(i int) error {
			return handle.NeighAdd(&netlink.Neigh{
				LinkIndex: ifindex, State: netlink.NUD_PERMANENT, IP: endpoint(i), HardwareAddr: mac(i),
			})
		})
	case "fdb":
		each(func(i int) error {
			return handle.NeighAdd(&netlink.Neigh{
				LinkIndex: ifindex, Family: syscall.AF_BRIDGE, State: netlink.NUD_PERMANENT, Flags: netlink.NTF_SELF,
				IP: endpoint(i), HardwareAddr: mac(i),
			})
		})
	case "delete":
		each(func(i int) error { return handle.RouteDel(&netlink.Route{Dst: destination(i), Priority: 1000 + i}) })
	case "dump":
		routes, err := handle.RouteList(nil, netlink.FAMILY_V4)
		if err != nil {
			log.Fatal(err)
		}
		applied = 0
		for _, one := range routes {
			if one.Protocol == protocol {
				applied++
			}
		}
	default:
		os.Exit(2)
	}
	spent := time.Since(start)
	used := cpu() - before
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	fmt.Printf("{\"ms\":%.3f,\"cpu\":%.3f,\"applied\":%d,\"peak\":%d}\n", spent.Seconds()*1000, used, applied, usage.Maxrss)
}

// Processor time of this process, in milliseconds.
func cpu() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}
