// SPDX-License-Identifier: Apache-2.0
import Routing

/// `show status`.
struct StatusReply: Equatable {
    var version = ""
    var routerID: IPAddress?
    var serverTime = ""
    var lastReboot = ""
    var lastReconfiguration = ""
    /// The final line: "Daemon is up and running".
    var state = ""
    var isRecovering = false

    init(_ reply: Reply) {
        for line in reply.lines {
            let text = line.text.trimmed
            switch line.code {
            case 1000: version = (text.rest(after: "BIRD ") ?? text).bounded(64)
            case 1011: takeDetail(text)
            case 13: state = text.bounded()
            case 24: isRecovering = true
            default: continue
            }
        }
    }

    var isShuttingDown: Bool { state.hasPrefix("Shutdown") }
    var isReconfiguring: Bool { state.hasPrefix("Reconfiguration") }

    private mutating func takeDetail(_ text: Substring) {
        if let value = text.rest(after: "Router ID is ") {
            routerID = IPAddress(value.trimmed)
        } else if let value = text.rest(after: "Current server time is ") {
            serverTime = value.bounded(64)
        } else if let value = text.rest(after: "Last reboot on ") {
            lastReboot = value.bounded(64)
        } else if let value = text.rest(after: "Last reconfiguration on ") {
            lastReconfiguration = value.bounded(64)
        }
    }
}
