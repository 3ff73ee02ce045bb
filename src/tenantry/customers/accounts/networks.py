"""Which network an address belongs to, for limits that a pool of addresses does not escape."""

from ipaddress import ip_address, ip_network

_IPV4_PREFIX = 24
_IPV6_PREFIX = 48


def network_of(address: str) -> str:
    """Return the /24 of an IPv4 or the /48 of an IPv6 address; anything else is one network."""
    try:
        ip = ip_address(address.strip())
    except ValueError:
        return "unknown"
    if ip.version == 6 and ip.ipv4_mapped:  # noqa: PLR2004  # IPv6
        ip = ip.ipv4_mapped
    prefix = _IPV4_PREFIX if ip.version == 4 else _IPV6_PREFIX  # noqa: PLR2004  # IPv4
    return str(ip_network(f"{ip}/{prefix}", strict=False))
