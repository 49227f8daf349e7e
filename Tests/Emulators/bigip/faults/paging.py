# SPDX-License-Identifier: Apache-2.0
"""Collections that do not hold still, or do not show everything.

partial          fraction?        only that part of the rows, as if there were no more
no-access        partition        rows of that partition are left out, with status 200
repeat-page                       every page is the first one
moving-member    shift?           rows move by that many places behind the first page: with 1 one
                                  is never seen, with -1 one is seen twice
moving-total     by?              totalItems grows by that much at each request
next-link        form             "encoded", "plain" or "no-equals"
"""

import math


def first_of_page(flags, start):
    if "repeat-page" in flags:
        return 0
    if "moving-member" in flags and start:
        return max(0, start + flags["moving-member"].get("shift", 1))
    return start


def moved_total(flags):
    fault = flags.get("moving-total")
    if not fault:
        return 0
    fault["_moved"] = fault.get("_moved", 0) + fault.get("by", 1)
    return fault["_moved"]


def visible(rows, flags):
    """The rows the faults leave."""
    if "no-access" in flags:
        rows = rows.without(flags["no-access"]["partition"])
    if "partial" in flags:
        rows = rows.first(math.ceil(len(rows) * flags["partial"]["fraction"]))
    return rows
