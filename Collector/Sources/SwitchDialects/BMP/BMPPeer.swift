// SPDX-License-Identifier: Apache-2.0
import Routing

/// The routes of one table: for each prefix where it leads to, or for each of its paths where the peer
/// sends several.
struct BMPTable: Sendable {
    /// Next hops, each once: a node announces all it has with one.
    private var hops: [IPAddress] = []
    private var hopIndices: [IPAddress: UInt32] = [:]
    private var single: [Prefix: UInt32] = [:]
    /// Only with ADD-PATH.
    private var several: [Prefix: [UInt32: UInt32]] = [:]
    /// What End-of-RIB was told for, and whether anything at all came.
    private(set) var completeFamilies: Set<AddressFamily> = []
    private(set) var hasAnnounced = false
    private(set) var hasWithdrawn = false

    /// False if the table is full: what it lacks then proves nothing.
    mutating func announce(_ prefix: Prefix, path: UInt32, by hop: IPAddress, limit: Int) -> Bool {
        hasAnnounced = true
        let index = indexOf(hop)
        if path == 0, several.isEmpty {
            guard single.count < limit || single[prefix] != nil else { return false }
            single[prefix] = index
        } else {
            guard several.count < limit || several[prefix] != nil else { return false }
            // A route server sends dozens of paths; thousands are an attack.
            guard several[prefix, default: [:]].count < 256 else { return false }
            several[prefix, default: [:]][path] = index
        }
        return true
    }

    mutating func withdraw(_ prefix: Prefix, path: UInt32) {
        hasWithdrawn = true
        single[prefix] = nil
        guard !several.isEmpty else { return }
        several[prefix]?[path] = nil
        if several[prefix]?.isEmpty == true { several[prefix] = nil }
    }

    mutating func complete(_ family: AddressFamily) { completeFamilies.insert(family) }

    func nextHops(_ prefix: Prefix) -> [IPAddress] {
        if let index = single[prefix] { return [hops[Int(index)]] }
        return (several[prefix] ?? [:]).values.map { hops[Int($0)] }
    }

    var prefixes: [Prefix] { Array(single.keys) + Array(several.keys) }
    var count: Int { single.count + several.count }

    private mutating func indexOf(_ hop: IPAddress) -> UInt32 {
        if let known = hopIndices[hop] { return known }
        let index = UInt32(clamping: hops.count)
        hops.append(hop)
        hopIndices[hop] = index
        return index
    }
}

/// One peer of the router, and its tables.
struct BMPPeer: Sendable {
    /// Between Peer Up and Peer Down; a table without Peer Up (GoBGP's Loc-RIB) is provisional.
    var isUp = false
    var isProvisional = true
    var tableName: String?
    var tables: [BMPTableKind: BMPTable] = [:]
    /// By the OPENs; senders differ on which tables it holds for.
    var addPath = AddPath()
    var lastRoutes = Timestamp.zero

    mutating func flush() { tables = [:] }
}

/// What is known to be wrong in what a router of this description sends.
struct BMPSender: Sendable, Equatable {
    private(set) var description: String?

    init(_ description: String? = nil, name: String? = nil) {
        // GoBGP has its name and its version the other way round.
        self.description = name == "GoBGP" ? "GoBGP \(description ?? "")" : description
    }

    private var isFRR: Bool { description?.hasPrefix("FRRouting") ?? false }
    private var isGoBGP: Bool { description?.hasPrefix("GoBGP") ?? false }

    /// FRR strips path identifiers although it negotiated them, and GoBGP keeps them in the peer's own
    /// table alone.
    func addPath(_ negotiated: AddPath, in table: BMPTableKind) -> AddPath {
        if isFRR { return AddPath() }
        if isGoBGP, table != .preIn { return AddPath() }
        return table == .loc ? AddPath() : negotiated
    }

    /// Whether a withdrawal after the import policy may be none: FRR before 10.3 sends one for an
    /// announcement whose next hop it does not track yet, and GoBGP for one path of several.
    var maySendFalseWithdrawals: Bool { isFRR && !isFRRSince(10, 3) || isGoBGP }

    /// FRR sends a peer's announcements as withdrawals unless it keeps them
    /// (`soft-reconfiguration inbound`).
    var needsAdjRIBIn: Bool { isFRR }

    private func isFRRSince(_ major: Int, _ minor: Int) -> Bool {
        let numbers = (description ?? "").split(separator: " ").last?.split(separator: ".") ?? []
        guard numbers.count >= 2, let first = Int(numbers[0]),
            let second = Int(numbers[1].prefix { $0.isNumber })
        else { return false }
        return (first, second) >= (major, minor)
    }
}
