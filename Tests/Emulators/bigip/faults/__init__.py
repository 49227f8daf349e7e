# SPDX-License-Identifier: Apache-2.0
"""The ways the emulator misbehaves; bigip/misbehaviour.py says which are on and lists them all."""
