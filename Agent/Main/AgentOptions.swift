// SPDX-License-Identifier: Apache-2.0
import Glibc
import Release
import Routing
import TLS

/// What the command line and the environment say.
struct AgentOptions {
    struct Collector: Hashable {
        var host: String
        var port: UInt16
    }

    enum Command {
        case stream
        case report
        case inspect(String)
    }

    /// A mistake of the user's, in one line; exit 2.
    struct UsageError: Error { let message: String }

    var command = Command.stream
    var collectors: [Collector] = []
    var node = ""
    var podCIDRs: [Prefix] = []
    var birdSockets: [String] = []
    /// Nobody named one, and none is there: BIRD may yet start at any of the usual places.
    var isBIRDSocketGuessed = false
    /// Milliseconds.
    var interval: Int64 = 5_000
    var files: TLSFiles?
    /// Stands for a certificate.
    var tokenFile: String?
    var serverName: String?
    var log = AgentLog()

    private var ca: String?
    private var certificate: String?
    private var key: String?

    /// nil: the help or version was asked for and printed.
    init?(_ arguments: [String]) throws(UsageError) {
        var words = arguments[...]
        if words.first == "report" {
            command = .report
            words.removeFirst()
        } else if words.first == "inspect" {
            words.removeFirst()
            guard let file = words.popFirst(), words.isEmpty else {
                throw UsageError(message: "inspect takes one FILE")
            }
            command = .inspect(file)
            return
        }
        while let word = words.popFirst() {
            if try !take(word, &words) { return nil }
        }
        try takeEnvironment()
        try complete()
    }

    /// False for --help and --version.
    private mutating func take(_ word: String, _ words: inout ArraySlice<String>) throws(UsageError)
        -> Bool
    {
        if word == "--help" || word == "-h" {
            writeLine(AgentOptions.help, to: 1)
            return false
        }
        if word == "--version" {
            writeLine("podpath-agent \(versionAndRevision)", to: 1)
            return false
        }
        var name = word
        var inline: String?
        if word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
            name = String(word[..<equals])
            inline = String(word[word.index(after: equals)...])
        }
        guard AgentOptions.names.contains(name) else {
            throw UsageError(message: "unknown option \(word); see --help")
        }
        guard let value = inline ?? words.popFirst() else {
            throw UsageError(message: "\(name) needs a value")
        }
        try set(name, value)
        return true
    }

    private static let names: Set<String> = [
        "--collector", "--node", "--pod-cidr", "--bird-socket", "--interval", "--ca",
        "--certificate", "--key", "--token-file", "--server-name", "--log-level", "--log-format",
    ]

    private mutating func set(_ name: String, _ value: String) throws(UsageError) {
        switch name {
        case "--collector": collectors.append(try collector(value))
        case "--node": node = value
        case "--pod-cidr": podCIDRs.append(try prefix(value))
        case "--bird-socket": birdSockets.append(value)
        case "--interval": try setInterval(value)
        case "--ca": ca = value
        case "--certificate": certificate = value
        case "--key": key = value
        case "--token-file": tokenFile = value
        case "--server-name": serverName = value
        case "--log-level":
            guard let level = AgentLog.Level(name: value) else {
                throw UsageError(message: "--log-level: debug, info, notice, warning or error")
            }
            log.level = level
        default:
            guard value == "text" || value == "json" else {
                throw UsageError(message: "--log-format: text or json")
            }
            log.isJSON = value == "json"
        }
    }

    private mutating func setInterval(_ value: String) throws(UsageError) {
        // A fifth of a second is the quickest that BIRD should be asked for ever (10 Hz is what it
        // can take for a while); an hour is no watch any more.
        guard let seconds = Double(value), seconds >= 0.2, seconds <= 3600 else {
            throw UsageError(message: "--interval: 0.2 to 3600 seconds")
        }
        interval = Int64(seconds * 1000)
    }

    private func collector(_ text: String) throws(UsageError) -> Collector {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { throw UsageError(message: "--collector \(text): HOST:PORT is expected") }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return Collector(host: String(host), port: port)
    }

    private func prefix(_ text: String) throws(UsageError) -> Prefix {
        guard let prefix = Prefix(text) else {
            throw UsageError(
                message: "--pod-cidr \(text): a prefix such as 10.16.0.0/12 is expected"
            )
        }
        return prefix
    }

    private mutating func takeEnvironment() throws(UsageError) {
        if collectors.isEmpty, let value = environment("PODPATH_COLLECTORS") {
            for part in value.split(separator: ",") {
                collectors.append(try collector(String(part)))
            }
        }
        if podCIDRs.isEmpty, let value = environment("PODPATH_POD_CIDRS") {
            for part in value.split(separator: ",") { podCIDRs.append(try prefix(String(part))) }
        }
        if birdSockets.isEmpty, let value = environment("PODPATH_BIRD_SOCKETS") {
            birdSockets = value.split(separator: ",").map(String.init)
        }
        if node.isEmpty { node = environment("NODE_NAME") ?? hostName() }
        if tokenFile == nil, certificate == nil, key == nil {
            tokenFile = environment("PODPATH_TOKEN_FILE")
        }
    }

    private mutating func complete() throws(UsageError) {
        if podCIDRs.isEmpty {
            throw UsageError(message: "--pod-cidr is missing: the supernets pods live in")
        }
        if birdSockets.isEmpty {
            birdSockets = AgentOptions.foundBIRDSockets()
            isBIRDSocketGuessed = access(birdSockets[0], F_OK) != 0
        }
        guard case .stream = command else { return }
        if collectors.isEmpty { throw UsageError(message: "--collector HOST:PORT is missing") }
        try completeIdentity()
    }

    private mutating func completeIdentity() throws(UsageError) {
        guard let ca, (certificate == nil) == (key == nil),
            (certificate == nil) != (tokenFile == nil)
        else {
            throw UsageError(
                message: "--ca is needed, and either --certificate and --key or --token-file: "
                    + "the stream is TLS, both sides prove who they are"
            )
        }
        for file in [ca, certificate, key, tokenFile].compactMap(\.self)
        where access(file, R_OK) != 0 {
            throw UsageError(message: "\(file): \(String(cString: strerror(errno)))")
        }
        files = TLSFiles(ca: ca, certificate: certificate, key: key)
    }

    /// Where packages and Calico put BIRD's socket.
    static let places = ["/run/bird/bird.ctl", "/var/run/bird.ctl", "/var/run/calico/bird.ctl"]

    /// The first socket that exists where packages and Calico put it, and bird6's beside it; where
    /// none exists yet, the packages' place: BIRD may start later.
    private static func foundBIRDSockets() -> [String] {
        guard let first = places.first(where: { access($0, F_OK) == 0 }) else { return [places[0]] }
        let six = first.dropLast("bird.ctl".count) + "bird6.ctl"
        return access(String(six), F_OK) == 0 ? [first, String(six)] : [first]
    }

    private func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    private func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    static let help = """
        podpath-agent --collector HOST:PORT … [options]   stream reports until told to stop
        podpath-agent report [options]                    print what would be reported, as JSON
        podpath-agent inspect FILE                        parse recorded control-socket bytes

          --collector HOST:PORT   repeatable (PODPATH_COLLECTORS, comma-separated)
          --node NAME             default: host name (NODE_NAME)
          --pod-cidr PREFIX       repeatable; supernets pods live in (PODPATH_POD_CIDRS)
          --bird-socket PATH      repeatable (PODPATH_BIRD_SOCKETS)
          --interval SECONDS      poll floor, 5; changes are pushed at once
          --ca, --certificate, --key FILE   mutual TLS, PEM; read again when they change
          --token-file FILE       in place of certificate and key: a projected ServiceAccount
                                  token, whose audience the collector names (PODPATH_TOKEN_FILE)
          --server-name NAME      default: the collector's HOST
          --log-level LEVEL       debug, info, notice, warning, error
          --log-format text|json
          --version, --help
        """
}
