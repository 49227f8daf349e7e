// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Glibc
import Routing
import TLS

/// Thousands of agents in one process, each with its own certificate, connection and stream machine,
/// against one collector. Prints one JSON object at the end, or once all are streaming.
@main
enum Fleet {
    static func main() {
        do {
            let options = try FleetOptions(CommandLine.arguments.dropFirst())
            let loop = try FleetLoop(options)
            loop.run()
        } catch {
            print("fleet: \(error)")
            exit(2)
        }
    }
}

struct FleetOptions {
    var collector = SocketAddress(digits: "127.0.0.1", port: 10443)
    var agents = 1_000
    var identities = "."
    /// Milliseconds between heartbeats, as of an agent.
    var interval: UInt32 = 5_000
    var seconds: Int64 = 30
    /// Reports a second, of all agents together, that do not wait for their acknowledgement; 0: as
    /// real agents, which do.
    var flood = 0
    /// How long, once it began.
    var floodSeconds = Int64.max / 2_000
    /// Handshakes under way at once: what one core of clients keeps up with.
    var handshakes = 64
    /// Whether agents have nothing to report but that they are there.
    var isBare = false
    /// Every agent's facts change this often, milliseconds; 0 never.
    var change: Int64 = 0

    init(_ arguments: ArraySlice<String>) throws(FleetError) {
        var rest = arguments
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw FleetError("\(name) wants a value") }
            try take(name, value)
        }
    }

    private mutating func take(_ name: String, _ value: String) throws(FleetError) {
        let number = Int(value)
        switch (name, number) {
        case ("--port", .some(let number)):
            collector = SocketAddress(digits: "127.0.0.1", port: UInt16(clamping: number))
        case ("--identities", _): identities = value
        case ("--bare", _): isBare = value == "yes"
        case ("--agents", .some(let number)): agents = number
        case ("--interval", .some(let number)): interval = UInt32(clamping: number)
        case ("--seconds", .some(let number)): seconds = Int64(number)
        case ("--flood", .some(let number)): flood = number
        case ("--flood-seconds", .some(let number)): floodSeconds = Int64(number)
        case ("--handshakes", .some(let number)): handshakes = number
        case ("--change", .some(let number)): change = Int64(number)
        default: throw FleetError("\(name) \(value) is not understood")
        }
    }
}

struct FleetError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
