# SPDX-License-Identifier: Apache-2.0
"""The parts of the BIG-IP emulator; Tests/Emulators/bigip.py puts them together.

configuration  what the lab asks for            rest/router      path to answer
device         pools, members, routes: state    rest/queries     $select $top $skip $filter
members        one member and its state table   rest/objects     configuration objects as JSON
monitors       real HTTP monitors, one loop     rest/statistics  statistics as JSON (nestedStats)
tokens         logins                           rest/errors      error bodies
misbehaviour   faults on request                server           HTTPS
counters       what was asked of us             control          the unix socket
"""
