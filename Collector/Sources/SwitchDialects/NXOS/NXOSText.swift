// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// NX-OS's words for people: `show ip route [bgp] [vrf all]`, `show ipv6 route …` and
/// `show ip bgp summary`, as a terminal or `cli_show_ascii` gives them, in any order in one answer.
///
/// The text proves itself: a table stands under its VRF's header, and under each prefix stand as many
/// starred next hops as its head tells. What does not is cut off or damaged, and is not believed. Words
/// can end between two prefixes too: so where a summary stands before a table, one must stand after.
package func decodeNXOSText(_ bytes: [UInt8]) -> SwitchAnswer {
    var answer = SwitchAnswer()
    takeNXOSText(String(decoding: bytes, as: UTF8.self), isWhole: false, &answer)
    if answer.endsInTable { answer.doubt("no BGP summary after the table: it may be cut off") }
    answer.conclude()
    return answer
}

/// Adds to what other commands said.
///
/// Words that stand in JSON are whole, with or without a last newline.
func takeNXOSText(_ text: String, isWhole: Bool = true, _ answer: inout SwitchAnswer) {
    var reader = NXOSTextReader()
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for line in lines { reader.take(line, &answer) }
    // Behind the last newline stands nothing, a prompt, or a line that may not be all there.
    let rest = (lines.last ?? "").trimmingBlanks
    let isCut = !isWhole && !rest.isEmpty && !isPrompt(rest) && !Via.isSurelyWhole(rest)
    if isCut { answer.doubt("the last line has no end: it may be cut off") }
    reader.finish(&answer, isCut: isCut)
    if !reader.hasSeenAnything { answer.doubt("no routing table in the text") }
}

/// Line by line; what it is in the middle of is its state.
private struct NXOSTextReader {
    /// A prefix whose next hops are being read.
    private struct Open {
        var routes: NXOSRoutes
        let promised: Int
        /// Why it cannot be believed, if so.
        var problem: String?
        /// A next hop that ends too early: a terminal of 80 columns breaks long lines, IPv6's above all.
        var broken: String?
    }

    private enum Section {
        case none
        case table(vrf: String, AddressFamily, isEmpty: Bool)
        case summary(NXOSTextSummary)
    }

    private var section = Section.none
    private var open: Open?
    private(set) var hasSeenAnything = false

    mutating func take(_ line: Substring, _ answer: inout SwitchAnswer) {
        let words = line.trimmingBlanks
        if let vrf = tableHeader(words) {
            leave(&answer)
            section = .table(vrf: vrf, words.hasPrefix("IPv6") ? .ipv6 : .ipv4, isEmpty: true)
            hasSeenAnything = true
        } else if words.hasPrefix("BGP summary information for VRF") {
            leave(&answer)
            section = .summary(NXOSTextSummary(header: words))
            hasSeenAnything = true
        } else if let complaint = complaint(words) {
            answer.doubt(complaint)
        } else if case .summary(var summary) = section {
            summary.take(words)
            section = .summary(summary)
        } else if let head = PrefixHead(words) {
            begin(head, &answer)
        } else if let via = Via(words) {
            takeVia(via, &answer)
        } else if let broken = open?.broken, !words.isEmpty {
            mend(broken, with: words)
        }
    }

    /// The prefix of a last line without an end is not believed.
    mutating func finish(_ answer: inout SwitchAnswer, isCut: Bool) {
        if isCut { open?.problem = "its last line has no end" }
        leave(&answer)
    }

    // MARK: - Prefixes

    private mutating func begin(_ head: PrefixHead, _ answer: inout SwitchAnswer) {
        close(&answer, isLast: false)
        hasSeenAnything = true
        guard case .table(let vrf, let family, _) = section else {
            return answer.doubt("\(head.text.prefix(80)): a route before any VRF's header")
        }
        section = .table(vrf: vrf, family, isEmpty: false)
        guard let prefix = Prefix(lenient: head.text) else {
            return answer.doubt("VRF \(vrf.prefix(64)): \(head.text.prefix(80)): not a prefix")
        }
        guard let promised = head.bestCount else {
            return answer.doubt("VRF \(vrf.prefix(64)) \(prefix): no count of its next hops")
        }
        open = Open(routes: NXOSRoutes(prefix: prefix, vrf: vrf), promised: promised)
    }

    private mutating func takeVia(_ via: Via, _ answer: inout SwitchAnswer) {
        guard open != nil else {
            return answer.doubt("a next hop without its prefix: \(via.text.prefix(80))")
        }
        guard !via.isMulticast else { return }
        if let broken = open?.broken {
            open?.problem = "a next hop that is cut off: \(broken.prefix(80))"
        }
        open?.broken = via.isCutOff ? String(via.text) : nil
        if let problem = via.problem {
            if !via.isCutOff { open?.problem = problem }
        } else {
            open?.routes.add(
                via.gateway,
                via.protocolName,
                isBest: via.isBest,
                age: via.age
            )
        }
    }

    /// The next line continues it, if both together make a next hop.
    private mutating func mend(_ broken: String, with words: Substring) {
        let joined = broken.hasSuffix(",") ? "\(broken) \(words)" : "\(broken)\(words)"
        guard joined.utf8.count <= 512, let via = Via(joined[...]), via.problem == nil else {
            return
        }
        open?.broken = nil
        open?.routes.add(via.gateway, via.protocolName, isBest: via.isBest, age: via.age)
    }

    /// Believes the prefix that was being read, or tells why not.
    ///
    /// What is wrong with one in the middle is its own; the last may have been cut off, and with it others.
    private mutating func close(_ answer: inout SwitchAnswer, isLast: Bool = true) {
        guard let done = open else { return }
        open = nil
        let place = "VRF \(done.routes.vrf.prefix(64)) \(done.routes.prefix)"
        let cut = done.broken.map { "a next hop that is cut off: \($0.prefix(80))" }
        let told = done.promised
        let miscounted =
            done.routes.bestCount == told
            ? nil : "\(told) next hops are told, \(done.routes.bestCount) are there"
        if let problem = done.problem ?? cut ?? miscounted {
            return isLast
                ? answer.doubt("\(place): \(problem)")
                : answer.doubt("\(place): \(problem)", of: done.routes.prefix)
        }
        for route in done.routes.all { answer.add(route, at: place) }
    }

    private mutating func leave(_ answer: inout SwitchAnswer) {
        close(&answer)
        switch section {
        case .none: break
        case .table(let vrf, let family, let isEmpty):
            answer.addTable(vrf: vrf, family, isEmpty: isEmpty)
        case .summary(let summary): summary.finish(&answer)
        }
        section = .none
    }
}

/// `IP Route Table for VRF "default"`, `IPv6 Routing Table for VRF "default"`.
private func tableHeader(_ line: Substring) -> String? {
    guard line.hasPrefix("IP"), let start = line.range(of: " Table for VRF \"")?.upperBound,
        let end = line[start...].lastIndex(of: "\"")
    else { return nil }
    return String(line[start..<end])
}

/// `n5k-a#`, `leaf-1>`: what a terminal shows when a command is over.
private func isPrompt(_ line: Substring) -> Bool {
    guard let last = line.last, last == "#" || last == ">" else { return false }
    return !line.contains(" ")
}

/// The switch says that it will not or cannot tell.
private func complaint(_ line: Substring) -> String? {
    let isComplaint =
        line.hasPrefix("% ") || line.hasPrefix("ERROR:") || line.contains("--More--")
        || line.contains("process currently not running")
        || line.hasPrefix("Structured output unsupported")
        || line.hasPrefix("Back-end processing error")
    return isComplaint ? "the switch says: \(line.prefix(120))" : nil
}

/// `10.16.0.0/24, ubest/mbest: 1/0, attached`
private struct PrefixHead {
    let text: Substring
    let bestCount: Int?

    init?(_ line: Substring) {
        guard let mark = line.range(of: ", ubest/mbest: ") else { return nil }
        text = line[..<mark.lowerBound]
        let count = line[mark.upperBound...]
        let digits = count.prefix { $0.isASCII && $0.isNumber }
        bestCount = count.dropFirst(digits.count).hasPrefix("/") ? Int(digits) : nil
    }
}

/// `*via 10.1.0.1%default, Eth1/1, [200/0], 3w4d, bgp-64512, internal, tag 64512,`
private struct Via {
    var gateway: IPAddress?
    var protocolName = ""
    var isBest = false
    var age: Int64?
    var problem: String?
    /// It ends before its protocol.
    var isCutOff = false
    let text: Substring
    /// Two stars: the best for multicast, which is another table's matter.
    let isMulticast: Bool

    /// Words that end a line's part, so that nothing of it is missing.
    private static let endings: Set<Substring> = [
        "static", "direct", "local", "hmm", "internal", "external", "intra", "inter", "type-1",
        "type-2", "discard",
    ]

    /// Ends in a word that is one as it stands.
    static func isSurelyWhole(_ line: Substring) -> Bool {
        guard let via = Via(line), via.problem == nil else { return false }
        let last = line.split(separator: ",").last?.trimmingBlanks ?? ""
        return endings.contains(last)
    }

    init?(_ line: Substring) {
        text = line
        let stars = line.prefix { $0 == "*" }.count
        guard line.dropFirst(stars).hasPrefix("via ") else { return nil }
        isMulticast = stars > 1
        isBest = stars == 1 && !line.contains("(hidden)")
        let fields = line.dropFirst(stars + 4).split(
            separator: ",",
            omittingEmptySubsequences: false
        )
        .map(\.trimmingBlanks)
        guard let bracket = fields.firstIndex(where: { $0.hasPrefix("[") && $0.hasSuffix("]") }),
            fields.count > bracket + 2, !fields[bracket + 2].isEmpty
        else {
            problem = "a next hop that is cut off: \(line.prefix(80))"
            isCutOff = true
            return
        }
        age = routeAge(fields[bracket + 1])
        protocolName = String(fields[bracket + 2].split(separator: " ").first ?? "")
        take(fields[..<bracket])
    }

    /// Address, or device alone, or Null0, before the preference; `vrf NAME` may stand first.
    private mutating func take(_ fields: ArraySlice<Substring>) {
        let way = fields.drop { $0.hasPrefix("vrf ") }
        guard let first = way.first, !first.isEmpty else {
            return problem = "a next hop of nothing"
        }
        gateway = nxosAddress(first)
        // A name that begins like an address and is none is damage.
        let isName = first.first.map { $0.isLetter } ?? false
        if gateway == nil, !isName || first.contains(":") && !first.contains("/") {
            problem = "\(first.prefix(80)): not a next hop"
        }
    }
}

extension Substring {
    var trimmingBlanks: Substring {
        let start = drop { $0 == " " || $0 == "\t" }
        guard let end = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return start[...end]
    }

    /// Where `text` first stands.
    func range(of text: String) -> Range<Index>? {
        guard let first = text.first else { return nil }
        var start = startIndex
        while let found = self[start...].firstIndex(of: first) {
            if self[found...].hasPrefix(text) {
                return found..<self.index(found, offsetBy: text.count)
            }
            start = self.index(after: found)
        }
        return nil
    }
}
