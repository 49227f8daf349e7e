# SPDX-License-Identifier: Apache-2.0
"""Addresses as they are configured: with a route domain, with a port, in both families."""

import ipaddress


class ConfigurationError(Exception):
    """A configuration or control command that cannot be used; the text holds no secret."""


def canonical(text):
    """Address and route domain; domain 0 is left out, as the unit leaves it out."""
    plain, percent, domain = text.partition("%")
    number = int(domain) if percent else 0
    if not 0 <= number < 65535:
        raise ValueError(text)
    plain = str(ipaddress.ip_address(plain))
    return "%s%%%d" % (plain, number) if number else plain


def split_member(text):
    """'10.16.0.10%10:80', '[2001:db8::1]:80' and '2001:db8::1%2.80' to (address, port)."""
    separator = "." if text.count(":") > 1 and not text.startswith("[") else ":"
    address, _, port = text.rpartition(separator)
    try:
        return canonical(address.strip("[]")), checked_port(port)
    except ValueError:
        raise ConfigurationError("not an address and port: %s" % text) from None


def split_destination(text):
    """A virtual server's 10.50.0.10:80 or 2001:db8::28%100.8080 to (address, port text)."""
    address, _, port = text.rpartition("." if text.count(":") > 1 else ":")
    return address, port


def checked_port(text):
    port = int(text)
    if not 0 < port < 65536:
        raise ValueError(text)
    return port


def join(address, port):
    """As the configuration spells a member: 10.16.0.10:80 or [2001:db8::1]:80."""
    return ("[%s]:%d" if ":" in address else "%s:%d") % (address, port)


def without_domain(address):
    """The part of an address that sockets understand."""
    return address.partition("%")[0]


def interface(text):
    """A self IP's '10.3.1.10%10/24' as (interface, route domain text or '')."""
    address, _, length = text.partition("/")
    plain, percent, domain = address.partition("%")
    return ipaddress.ip_interface("%s/%s" % (plain, length)), percent + domain


def endpoint(text):
    """'127.0.0.1:514' and '[::1]:514' to (host, port), for sockets of our own."""
    host, _, port = text.rpartition(":")
    try:
        return host.strip("[]"), checked_port(port)
    except ValueError:
        raise ConfigurationError("not ADDRESS:PORT: %s" % text) from None
