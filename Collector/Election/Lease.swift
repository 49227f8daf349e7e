// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A Kubernetes Lease (coordination.k8s.io/v1): who of several holds something, and what they note on it.
package struct Lease: Sendable, Hashable {
    /// Empty: nobody.
    package var holder = ""
    /// Milliseconds without a renewal after which it is anybody's.
    package var duration: Int64 = 0
    package var acquiredAt = Timestamp.zero
    package var renewedAt = Timestamp.zero
    /// How often it changed hands.
    package var transitions = 0
    /// What was told, and what is not to be told, as the holder and all of them noted it.
    package var told = ""
    package var silences = ""
    /// The object as it was read, of which all that is not ours stays; nil of one that is not there yet.
    package var document: LeaseDocument?

    package init() {}
}
