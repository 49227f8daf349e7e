# SPDX-License-Identifier: Apache-2.0
"""How iControl REST names things: links, references, kinds, and the head of every object."""


def escape(full_path):
    """/K8S/10.16.3.7%0:80 to ~K8S~10.16.3.7%250:80, as it stands in paths, keys and selfLinks."""
    return full_path.replace("%", "%25").replace("/", "~").replace(" ", "%20")


def full_path(segment):
    """~K8S~x to /K8S/x; a short name lies in /Common."""
    return segment.replace("~", "/") if segment.startswith("~") else "/Common/" + segment


def link(path, version):
    return "https://localhost/mgmt/tm/%s?ver=%s" % (path, version)


def reference(path, version, collection=False):
    return dict({"link": link(path, version)}, **({"isSubcollection": True} if collection else {}))


def kind(path):
    return "tm:%s:%s" % (path.replace("/", ":"), path.rsplit("/", 1)[-1])


def head(device, path, partition, name, generation, sub_path=None):
    """The fields every object begins with."""
    folder = partition + ("/" + sub_path if sub_path else "")
    whole = "/%s/%s" % (folder, name)
    item = {"kind": kind(path) + "state", "name": name, "partition": partition}
    if sub_path:
        item["subPath"] = sub_path
    item.update({"fullPath": whole, "generation": generation,
                 "selfLink": link("%s/%s" % (path, escape(whole)), device.version)})
    return item


def in_partition(device, name, raw=None):
    """A configured name as full path; a bare one lies in the object's or the unit's partition."""
    return name if name.startswith("/") else "/%s/%s" % ((raw or {}).get("partition",
                                                                         device.partition), name)
