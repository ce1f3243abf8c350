package access

import (
	"net/netip"
	"slices"
)

// ParseAddresses reads a list of CIDRs and single addresses, and gives it in
// its canonical form. It returns a *ListError for an empty or overlong list, for
// an item that is neither, for one with host bits, and for one that another one
// covers.
func ParseAddresses(items []string) ([]string, error) {
	if err := checkLength(len(items), "address"); err != nil {
		return nil, err
	}
	prefixes := make([]netip.Prefix, len(items))
	for i, item := range items {
		var fault string
		if prefixes[i], fault = parseAddress(item); fault != "" {
			return nil, &ListError{i, fault}
		}
	}
	canonical := make([]string, len(items))
	for i, p := range prefixes {
		for j, other := range prefixes {
			if i != j && within(p, other) && (i > j || p != other) {
				return nil, &ListError{i, "is covered by another item of the list"}
			}
		}
		canonical[i] = p.String()
	}
	return canonical, nil
}

func parseAddress(item string) (prefix netip.Prefix, fault string) {
	if address, err := netip.ParseAddr(item); err == nil {
		if address.Zone() != "" || address.Is4In6() {
			return netip.Prefix{}, "must be a plain IPv4 or IPv6 address or CIDR"
		}
		return netip.PrefixFrom(address, address.BitLen()), ""
	}
	prefix, err := netip.ParsePrefix(item)
	switch {
	case err != nil:
		return netip.Prefix{}, "must be an IPv4 or IPv6 address or CIDR"
	case prefix.Addr().Is4In6():
		return netip.Prefix{}, "must be a plain IPv4 or IPv6 address or CIDR"
	case prefix.Masked() != prefix:
		return netip.Prefix{}, "must not have host bits: " + prefix.Masked().String() + " is the network"
	}
	return prefix, ""
}

// AllowsAddress tells whether an address is in one of the networks. Nil is no
// limit. What is not a network allows nothing.
func AllowsAddress(networks []string, address netip.Addr) bool {
	if networks == nil {
		return true
	}
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(network string) bool {
		p, err := netip.ParsePrefix(network)
		return err == nil && p.Contains(address)
	})
}

// OutsideAddresses gives the index of the first network that is not within a
// single one of the outer ones; -1 when there is none. Nil is no limit, and
// outside of every limit. Both are lists as ParseAddresses gives them.
func OutsideAddresses(networks, outer []string) int {
	if outer == nil {
		return -1
	}
	if networks == nil {
		return 0
	}
	return slices.IndexFunc(networks, func(network string) bool {
		p, err := netip.ParsePrefix(network)
		return err != nil || !slices.ContainsFunc(outer, func(o string) bool {
			other, err := netip.ParsePrefix(o)
			return err == nil && within(p, other)
		})
	})
}

// within tells whether all of p is in other.
func within(p, other netip.Prefix) bool {
	return other.Bits() <= p.Bits() && other.Contains(p.Addr())
}
