// SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import OperatorSource
import Sinks

/// Looks every two seconds whether the web configuration file, or a file that it names, is another.
struct WebSecurityFile: Sendable {
    let path: String
    /// As it was read when the program began.
    let security: WebSecurity

    /// A file as it lies there: what replaces it under its name has another number or time.
    private struct Mark: Hashable {
        var number: UInt64?
        var size: UInt64?
        var changed: Date?

        init(_ path: String) {
            // A secret that Kubernetes mounts is a link, which is followed.
            let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
            let found = try? FileManager.default.attributesOfItem(atPath: target)
            number = (found?[.systemFileNumber] as? NSNumber)?.uint64Value
            size = (found?[.size] as? NSNumber)?.uint64Value
            changed = found?[.modificationDate] as? Date
        }
    }

    func run(_ door: WebDoor, _ log: Logger) async {
        var (known, last, seen) = (security, [Mark](), [Mark]())
        // What changed while the program began counts as a change too.
        while !Task.isCancelled {
            let marks = marks(known)
            // A file that is being written looks empty, and an empty one asks nobody for a password: only what lies
            // there unchanged is read.
            if marks != last, marks == seen {
                reload(&known, door, log)
                last = self.marks(known)
            }
            seen = marks
            try? await Task.sleep(for: .seconds(2))
        }
    }

    /// What cannot be used changes nothing, and is said once.
    private func reload(_ known: inout WebSecurity, _ door: WebDoor, _ log: Logger) {
        do throws(FileError) {
            let read = try WebSecurity.read(path: path)
            // Watched from now on even if it does not load: what it names may come later.
            defer { known = read }
            do throws(WebDoorError) {
                try door.change(to: read)
                if read != known { log.notice("web: \(path) is read anew") }
            } catch {
                log.error("web: \(path): \(error); what was in force stays")
            }
        } catch {
            log.error("web: \(error); what was in force stays")
        }
    }

    private func marks(_ security: WebSecurity) -> [Mark] {
        let named = [security.tls?.certificate, security.tls?.key, security.tls?.clientCA]
        return ([path] + named.compactMap(\.self)).map(Mark.init)
    }
}
