// SPDX-License-Identifier: Apache-2.0

/// FNV-1a, 64 bits: the same in every process, which Swift's own hash is not, and short.
package func stableHash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
