// SPDX-License-Identifier: Apache-2.0
import COpenSSL

/// What is left of a session for the next one: a third of a full handshake's work on the server's
/// side, where ten thousand agents may come back at once.
package final class TLSResumption {
    let pointer: OpaquePointer
    /// Another context may stand for another identity, or trust somebody else.
    let context: TLSContext

    init(_ pointer: OpaquePointer, _ context: TLSContext) {
        self.pointer = pointer
        self.context = context
    }

    deinit { SSL_SESSION_free(pointer) }
}
