# SPDX-License-Identifier: Apache-2.0
"""Answers that are well formed and say something else than one would think.

key-form         form?            statistics keys unlike selfLinks: "numbered", "short", "doubled"
generation       by? or to?       every generation jumps by that much, or is that number
frozen-statistics                 each statistics path repeats its first answer
missing-member                    a member that does not exist is answered 200, without address
pool-level                        members/stats gives pool-level statistics for full paths too
"""

KEY_FORMS = ("numbered", "short", "doubled")


def rekeyed(entries, flags):
    """The same entries below other keys."""
    if "key-form" not in flags:
        return entries
    form = flags["key-form"].get("form", "numbered")
    return {other_key(key, number, form): entries[key] for number, key in enumerate(entries)}


def other_key(key, number, form):
    parts = key.rsplit("/", 2)
    if form == "numbered":
        return "%s/%d" % (key, number)
    if form == "short":
        return "%s/%s/%s" % (parts[0], parts[1].rsplit("~", 1)[-1], parts[2])
    return "%s/%s/%s/%s" % (parts[0], parts[1], parts[1], parts[2])


def regenerated(item, flags):
    fault = flags.get("generation")
    if fault and "generation" in item:
        item["generation"] = fault.get("to", item["generation"] + fault.get("by", 1000))
    return item


def frozen(flags, path, make):
    """The answer of the first time this path was asked since the fault began."""
    fault = flags.get("frozen-statistics")
    if fault is None or not path.endswith("/stats"):
        return make()
    memory = fault.setdefault("_memory", {})
    if path not in memory:
        memory[path] = make()
    return memory[path]
