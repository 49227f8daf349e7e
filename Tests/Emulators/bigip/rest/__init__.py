# SPDX-License-Identifier: Apache-2.0
"""iControl REST 13.1: what a request means and how its answer looks; no socket in here."""
