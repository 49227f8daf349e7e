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
            case 1000:
                version = text.hasPrefix("BIRD ") ? text.dropFirst(5).bounded(64) : text.bounded(64)
            case 13: state = text.bounded()
            case 24: isRecovering = true
            default: takeDetail(text)
            }
        }
    }

    var isShuttingDown: Bool { state.hasPrefix("Shutdown") }
    var isReconfiguring: Bool { state.hasPrefix("Reconfiguration") }

    private mutating func takeDetail(_ text: String) {
        if let value = rest(text, "Router ID is ") { routerID = IPAddress(value) }
        if let value = rest(text, "Current server time is ") { serverTime = value }
        if let value = rest(text, "Last reboot on ") { lastReboot = value }
        if let value = rest(text, "Last reconfiguration on ") { lastReconfiguration = value }
    }

    private func rest(_ text: String, _ label: String) -> String? {
        text.hasPrefix(label) ? text.dropFirst(label.count).bounded(64) : nil
    }
}
