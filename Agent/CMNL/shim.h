// SPDX-License-Identifier: Apache-2.0
// libmnl and the kernel's rtnetlink headers.
#pragma once

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <time.h>
