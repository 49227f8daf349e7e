// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// The pool members of one unit, by the pod CIDR that they lie in. A fleet has hundreds of thousands: here stand their
/// places and how many are up, and a member itself is fetched where something is amiss.
struct MemberIndex: Sendable {
    /// What monitors say of the members in one CIDR.
    struct Count: Sendable {
        var all = 0
        var up = 0
        var down = 0
    }

    private struct Place: Sendable {
        let pool: Int32
        let member: Int32
    }

    private let owners: OwnedCIDRs
    /// By name, in order.
    let pools: [(name: String, pool: LoadBalancerPool)]
    /// By CIDR's number; the last is of those that lie in none.
    private let counts: [Count]
    /// Where each CIDR's places begin.
    private let starts: [Int]
    /// CIDR after CIDR, in order of their pools.
    private let places: [Place]
    /// CIDRs with a member that is up.
    private let aliveCount: Int
    /// Every member, and there are some, is known to be down.
    let areAllDown: Bool

    init(_ pools: [String: LoadBalancerPool], _ owners: OwnedCIDRs) {
        self.owners = owners
        self.pools = pools.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        var counts = [Count](repeating: Count(), count: owners.count + 1)
        var found: [(place: Place, cidr: Int)] = []
        found.reserveCapacity(self.pools.reduce(0) { $0 + $1.pool.members.count })
        for (number, entry) in self.pools.enumerated() {
            for (index, member) in entry.pool.members.enumerated() {
                guard let address = member.address else { continue }
                let cidr = owners.number(around: address) ?? owners.count
                found.append((Place(pool: Int32(number), member: Int32(index)), cidr))
                counts[cidr].note(member.isUp)
            }
        }
        (starts, places) = Self.sorted(found, counts)
        aliveCount = counts.count { $0.up > 0 }
        let all = self.pools.reduce(0) { $0 + $1.pool.members.count }
        areAllDown = all > 0 && counts.reduce(0) { $0 + $1.down } == all
        self.counts = counts
    }

    /// By counting: how many there are of each CIDR is known.
    private static func sorted(
        _ found: [(place: Place, cidr: Int)],
        _ counts: [Count]
    ) -> (starts: [Int], places: [Place]) {
        var starts = [0]
        starts.reserveCapacity(counts.count + 1)
        for count in counts { starts.append(starts[starts.count - 1] + count.all) }
        var next = starts
        var places = [Place](repeating: Place(pool: 0, member: 0), count: found.count)
        for (place, cidr) in found {
            places[next[cidr]] = place
            next[cidr] += 1
        }
        return (starts, places)
    }

    /// How many pod CIDRs have members.
    var cidrCount: Int { counts.dropLast().count { $0.all > 0 } }

    func count(in prefix: Prefix) -> Count { number(of: prefix).map { counts[$0] } ?? Count() }

    /// In order of their pools.
    func members(in prefix: Prefix) -> [PoolMember] {
        places(in: prefix).map { pools[Int($0.pool)].pool.members[Int($0.member)] }
    }

    /// Places in `pools` of those with a member in it, in order.
    func poolNumbers(in prefix: Prefix) -> [Int] {
        var numbers: [Int] = []
        for place in places(in: prefix) where numbers.last != Int(place.pool) {
            numbers.append(Int(place.pool))
        }
        return numbers
    }

    /// Whether any member outside of it is up.
    func isUpElsewhere(than prefix: Prefix) -> Bool {
        aliveCount > (count(in: prefix).up > 0 ? 1 : 0)
    }

    private func number(of prefix: Prefix) -> Int? { owners.number(of: prefix) }

    private func places(in prefix: Prefix) -> ArraySlice<Place> {
        number(of: prefix).map { places[starts[$0]..<starts[$0 + 1]] } ?? []
    }
}

extension MemberIndex.Count {
    fileprivate mutating func note(_ isUp: Bool?) {
        all += 1
        if isUp == true { up += 1 }
        if isUp == false { down += 1 }
    }
}
