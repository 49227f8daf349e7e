// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// What cannot be changed while the server runs, or cannot be loaded.
package struct WebDoorError: Error, CustomStringConvertible {
    package let description: String
}

/// Who may come in, and over what: as the web configuration file says now.
package final class WebDoor: Sendable {
    struct Guard: Sendable {
        var security = WebSecurity()
        var headers = HTTPFields()
        var context: NIOSSLContext?

        init(_ security: WebSecurity) throws(WebDoorError) {
            self.security = security
            context = try security.tls?.context()
            for header in security.headers {
                guard let name = HTTPField.Name(header.name) else { continue }
                headers[name] = header.value
            }
        }
    }

    private let current: Mutex<Guard>
    let credentials = Credentials()
    /// A listener speaks TLS or it does not, from its first connection on.
    package let isTLS: Bool

    package init(_ security: WebSecurity = WebSecurity()) throws(WebDoorError) {
        current = Mutex(try Guard(security))
        isTLS = security.tls != nil
    }

    /// For connections and requests from now on.
    package func change(to security: WebSecurity) throws(WebDoorError) {
        guard (security.tls != nil) == isTLS else {
            throw WebDoorError(description: "TLS is switched on or off by a restart only")
        }
        let changed = try Guard(security)
        current.withLock { $0 = changed }
    }

    var now: Guard { current.withLock { $0 } }
}

/// A connection is greeted with the certificate that is in force when it comes.
struct GuardedChannel: ServerChildChannel, HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    let door: WebDoor

    var responder: HTTPChannelHandler.Responder { base.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let current = door.now
            guard let context = current.context else { return }
            let takesAny = current.security.tls?.takesAnyCertificate ?? false
            let handler =
                takesAny
                ? NIOSSLServerHandler(
                    context: context,
                    customVerificationCallback: { _, promise in
                        promise.succeed(.certificateVerified)
                    },
                    configuration: .init()
                ) : NIOSSLServerHandler(context: context)
            try channel.pipeline.syncOperations.addHandler(handler)
        }.flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
