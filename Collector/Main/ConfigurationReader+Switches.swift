// SPDX-License-Identifier: Apache-2.0
import Facts
import OperatorSource
import Routing
import SwitchDialects
import SwitchSource

/// How switches are read.
extension ConfigurationReader {
    func readSwitch(_ tree: Tree) throws(FileError) -> Configuration.Switch {
        let keys = try tree.mapping(
            "name",
            "neighbors",
            "command",
            "nxapi",
            "eapi",
            "bmp",
            "bgp",
            "paths"
        )
        var read = Configuration.Switch(
            name: try required("name", keys, tree).text(),
            neighbors: []
        )
        for item in try required("neighbors", keys, tree).list() {
            read.neighbors.append(try ipAddress(item))
        }
        let ways = ["command", "nxapi", "eapi"].filter { keys[$0] != nil }
        let feeds = ["bmp", "bgp"].filter { keys[$0] != nil }
        guard ways.count <= 1, !(ways + feeds).isEmpty else {
            throw tree.error(
                "one of command, nxapi, eapi is expected, or bmp or bgp, also beside it"
            )
        }
        if let command = keys["command"] { try readCommand(command, &read) }
        if let nxapi = keys["nxapi"] { try readNXAPI(nxapi, &read) }
        if let eapi = keys["eapi"] { read.way = .eapi(try readDoor(eapi, &read)) }
        if let bmp = keys["bmp"] { read.bmp = try readFeed(bmp, &read) }
        if let bgp = keys["bgp"] { read.bgp = try readFeed(bgp, &read) }
        if let paths = keys["paths"] {
            guard let choice = SwitchFacts.PathsExpected(rawValue: try paths.text()) else {
                throw paths.error("any, all or seen is expected")
            }
            read.paths = choice
        }
        return read
    }

    /// Where it comes from. One VRF counts, whatever way names it.
    private func readFeed(
        _ tree: Tree,
        _ read: inout Configuration.Switch
    ) throws(FileError) -> IPAddress {
        let parts = try tree.mapping("from", "vrf")
        read.vrf = try parts["vrf"]?.text() ?? read.vrf
        return try ipAddress(try required("from", parts, tree))
    }

    /// `https://NAME:PASSWORD@…`, in whatever form: a device's address is written in messages and journals.
    func holdsAccount(_ address: String) -> Bool { address.contains("@") }

    /// What tells one switch from another must not be another's too.
    func double(
        of item: Configuration.Switch,
        among others: [Configuration.Switch]
    ) -> String? {
        for other in others {
            if other.name == item.name { return "the name \(item.name)" }
            if let shared = item.neighbors.first(where: other.neighbors.contains) {
                return "the neighbor \(shared)"
            }
            if let from = item.bmp, from == other.bmp { return "bmp from \(from)" }
            if let from = item.bgp, from == other.bgp { return "bgp from \(from)" }
        }
        return nil
    }

    private func readCommand(
        _ tree: Tree,
        _ read: inout Configuration.Switch
    ) throws(FileError) {
        let parts = try tree.mapping("run", "format", "every", "vrf")
        let word = try required("format", parts, tree)
        guard let format = SwitchFormat(rawValue: try word.text()) else {
            let known = SwitchFormat.allCases.map(\.rawValue).joined(separator: ", ")
            throw word.error("one of \(known) is expected")
        }
        read.way = .command(try words(try required("run", parts, tree)), format)
        read.every = try period(parts["every"], default: 15_000)
        read.vrf = try parts["vrf"]?.text() ?? read.vrf
    }

    private func readNXAPI(
        _ tree: Tree,
        _ read: inout Configuration.Switch
    ) throws(FileError) {
        let door = try readDoor(tree, &read, and: ["envelope"])
        var envelope = NXAPIEnvelope.insAPI
        if let word = try tree.entries()["envelope"] {
            guard let choice = NXAPIEnvelope(rawValue: try word.text()) else {
                throw word.error("ins-api or json-rpc is expected")
            }
            envelope = choice
        }
        read.way = .nxapi(door, envelope)
    }

    private func readDoor(
        _ tree: Tree,
        _ read: inout Configuration.Switch,
        and more: [String] = []
    ) throws(FileError) -> Configuration.Switch.Door {
        let known = ["url", "username", "password-file", "password-env", "ca", "vrf", "every"]
        let parts = try tree.mapping(known + more)
        let url = try required("url", parts, tree)
        let address = try url.text()
        guard address.hasPrefix("https://") || address.hasPrefix("http://") else {
            throw url.error("https://… or http://… is expected")
        }
        guard !holdsAccount(address) else { throw url.error("no name and password belong here") }
        guard let password = try secret("password", parts) else {
            throw tree.error("\"password-file\" is missing")
        }
        read.every = try period(parts["every"], default: 15_000)
        read.vrf = try parts["vrf"]?.text() ?? read.vrf
        return Configuration.Switch.Door(
            url: address,
            account: SwitchHTTP.Account(
                username: try required("username", parts, tree).text(),
                password: password
            ),
            ca: try parts["ca"].map { tree throws(FileError) in try path(tree) }
        )
    }
}
