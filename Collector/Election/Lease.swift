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
    /// What was told, as the holder notes it, and what is not to be told, as all do.
    package var told = ""
    package var silences = ""
    /// The incidents that were told and are open, whose end another would have to tell.
    package var open = ""
    /// The object as it was read, of which all that is not ours stays; nil of one that is not there yet.
    package var document: LeaseDocument?

    package init() {}
}
