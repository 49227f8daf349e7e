// SPDX-License-Identifier: Apache-2.0

/// The kinds of facts, each a section of a frame (FORMAT.md, Sections). A number is never reused.
enum SectionType: UInt8 {
    case kernel = 1
    case links = 2
    case routes = 3
    case birds = 4
    case sessions = 5
    case statics = 6
    case birdRoutes = 7
    case exports = 8
    case addresses = 9
    case rules = 10
}

/// The columns of each section; those of the key come first. A number is never reused within its
/// section, and a column may only ever be added.
enum Column {
    enum Kernel {
        static let flags: UInt8 = 1
        static let last = flags
    }

    enum Link {
        static let name: UInt8 = 1
        static let index: UInt8 = 2
        static let flags: UInt8 = 3
        static let mtu: UInt8 = 4
        static let reversePathFilter: UInt8 = 5
        static let last = reversePathFilter
    }

    enum Route {
        static let prefix: UInt8 = 1
        static let table: UInt8 = 2
        static let metric: UInt8 = 3
        static let destination: UInt8 = 4
        static let proto: UInt8 = 5
        static let hops: UInt8 = 6
        static let last = hops
    }

    enum Bird {
        static let daemon: UInt8 = 1
        static let condition: UInt8 = 2
        static let reason: UInt8 = 3
        static let since: UInt8 = 4
        static let version: UInt8 = 5
        static let routerID: UInt8 = 6
        static let lastReboot: UInt8 = 7
        static let lastReconfiguration: UInt8 = 8
        static let flags: UInt8 = 9
        static let last = flags
    }

    enum Session {
        static let daemon: UInt8 = 1
        static let name: UInt8 = 2
        static let protocolState: UInt8 = 3
        static let state: UInt8 = 4
        static let flags: UInt8 = 5
        static let neighbor: UInt8 = 6
        static let neighborAS: UInt8 = 7
        static let localAS: UInt8 = 8
        static let since: UInt8 = 9
        static let lastError: UInt8 = 10
        static let firstError: UInt8 = 11
        static let message: UInt8 = 12
        static let holdTime: UInt8 = 13
        static let silentSince: UInt8 = 14
        static let bfdState: UInt8 = 15
        /// How many channels each session has; what follows has one entry a channel.
        static let channelCount: UInt8 = 16
        static let channelName: UInt8 = 17
        static let channelState: UInt8 = 18
        static let channelFlags: UInt8 = 19
        static let imported: UInt8 = 20
        static let filtered: UInt8 = 21
        static let exported: UInt8 = 22
        static let preferred: UInt8 = 23
        /// Of the session again: one entry a session.
        static let restartTime: UInt8 = 24
        static let last = restartTime
    }

    enum Static {
        static let daemon: UInt8 = 1
        static let proto: UInt8 = 2
        static let prefix: UInt8 = 3
        static let flags: UInt8 = 4
        static let device: UInt8 = 5
        static let last = device
    }

    enum BIRDRoute {
        static let daemon: UInt8 = 1
        static let table: UInt8 = 2
        static let proto: UInt8 = 3
        static let prefix: UInt8 = 4
        static let destination: UInt8 = 5
        static let flags: UInt8 = 6
        static let hops: UInt8 = 7
        static let last = hops
    }

    enum Export {
        static let daemon: UInt8 = 1
        static let uplink: UInt8 = 2
        static let prefix: UInt8 = 3
        static let answer: UInt8 = 4
        static let reason: UInt8 = 5
        static let last = reason
    }

    enum Address {
        static let device: UInt8 = 1
        static let address: UInt8 = 2
        static let length: UInt8 = 3
        static let last = length
    }

    enum Rule {
        static let family: UInt8 = 1
        static let priority: UInt8 = 2
        static let action: UInt8 = 3
        static let table: UInt8 = 4
        static let source: UInt8 = 5
        static let destination: UInt8 = 6
        static let selectors: UInt8 = 7
        static let last = selectors
    }
}

/// What a column that is left out stands for where that is not 0: the healthy value.
enum Usual {
    static let unicast: UInt64 = 1
    static let protocolUp: UInt64 = 2
    static let established: UInt64 = 6
    static let channelUp: UInt64 = 2
    static let best: UInt64 = 1
    static let sent: UInt64 = 1
    static let ipv4: UInt64 = 4
    static let lookup: UInt64 = 1
    static let mainTable: UInt64 = 254
    /// Up and with carrier.
    static let linkUp: UInt64 = 3
}
