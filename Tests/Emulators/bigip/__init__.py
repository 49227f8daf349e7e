# SPDX-License-Identifier: Apache-2.0
"""The parts of the BIG-IP emulator; Tests/Emulators/bigip.py puts them together.

configuration  what the lab asks for            misbehaviour   faults on request, and their list
addresses      with ports and route domains     faults/        what the faults do
dialect        what a release writes            generator      what a controller does to pools
device         the unit's state                 journal        what the unit logs
pools members fqdn nodes  what is monitored     syslog         how the log reaches others
generated      many pools, made when asked for  control        the unix socket
gtm            the DNS module's objects         counters       what was asked of us
groups         what floats between two units    virtual_addresses  and what lies in it
pair           the other unit                   listener       addresses served and not served
monitors       real probes, one loop            server         HTTPS
tokens         logins

rest/router    who asks, who answers            rest/queries   $select $top $skip $filter
rest/login     tokens and Basic                 rest/errors    error bodies
rest/reader    collections, single objects      rest/naming    links and kinds
rest/measures  statistics                       rest/rows      collections made when looked at
rest/ltm virtuals net units gtm statistics      objects and statistics as JSON
"""
