// SPDX-License-Identifier: Apache-2.0
import Routing

/// One peer of the router, and its tables.
struct BMPPeer: Sendable {
    /// Between Peer Up and Peer Down; a table without Peer Up (GoBGP's Loc-RIB) is provisional.
    var isUp = false
    var isProvisional = true
    var tableName: String?
    var tables: [BMPTableKind: PeerTable] = [:]
    /// By the OPENs; senders differ on which tables it holds for.
    var addPath = AddPath()
    /// Tables whose routes could only be read the other way.
    var addPathOverrides: [BMPTableKind: AddPath] = [:]
    var lastRoutes = Timestamp.zero
    /// All it has was told once; from then on its tables are kept up.
    var isTold = false
    /// Families of which anything came in any of its sessions: they are monitored.
    private(set) var everTold: Set<AddressFamily> = []

    /// The session is over, or a new one.
    mutating func flush() {
        for table in tables.values { everTold.formUnion(table.toldFamilies) }
        tables = [:]
        addPathOverrides = [:]
        isTold = false
    }
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
    func maySendFalseWithdrawals(of peer: BMPPeer) -> Bool {
        isFRR && !isFRRSince(10, 3) || isGoBGP && peer.addPath != AddPath()
    }

    /// FRR sends a peer's announcements as withdrawals unless it keeps them
    /// (`soft-reconfiguration inbound`).
    var needsAdjRIBIn: Bool { isFRR }

    /// How long without a route tells that a peer without End-of-RIB has told all. FRR and GoBGP dump in
    /// one go; IOS XR asks its peers again, one every 30 s.
    var quietTime: Int64 { isFRR || isGoBGP ? 5_000 : 35_000 }

    private func isFRRSince(_ major: Int, _ minor: Int) -> Bool {
        let numbers = (description ?? "").split(separator: " ").last?.split(separator: ".") ?? []
        guard numbers.count >= 2, let first = Int(numbers[0]),
            let second = Int(numbers[1].prefix { $0.isNumber })
        else { return false }
        return (first, second) >= (major, minor)
    }
}
