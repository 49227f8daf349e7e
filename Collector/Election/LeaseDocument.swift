// SPDX-License-Identifier: Apache-2.0
package import Foundation
import Routing

/// The JSON of a Lease as the API server gave it.
package struct LeaseDocument: Sendable, Hashable {
    let bytes: Data
}

/// Why an answer is no Lease.
package struct LeaseError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// What of a Lease is read and written, by the API's names.
extension Lease {
    private static let toldKey = "podpath/told"
    private static let silencesKey = "podpath/silences"
    private static let openKey = "podpath/open"
    /// Twice what an object's annotations may hold.
    package static let sizeLimit = 512 << 10

    package init(from bytes: Data) throws(LeaseError) {
        guard bytes.count <= Self.sizeLimit else {
            throw LeaseError(description: "a Lease of \(bytes.count) bytes")
        }
        guard let object = try? JSONSerialization.jsonObject(with: bytes) as? [String: Any],
            object["kind"] as? String == "Lease"
        else { throw LeaseError(description: "no Lease was answered") }
        self.init()
        let spec = object["spec"] as? [String: Any] ?? [:]
        let notes = (object["metadata"] as? [String: Any])?["annotations"] as? [String: Any] ?? [:]
        holder = spec["holderIdentity"] as? String ?? ""
        let seconds = spec["leaseDurationSeconds"] as? Int ?? 0
        duration = Int64(min(max(seconds, 0), 86_400)) * 1_000
        acquiredAt = moment(spec["acquireTime"])
        renewedAt = moment(spec["renewTime"])
        transitions = min(max(spec["leaseTransitions"] as? Int ?? 0, 0), Int(Int32.max))
        told = notes[Self.toldKey] as? String ?? ""
        silences = notes[Self.silencesKey] as? String ?? ""
        open = notes[Self.openKey] as? String ?? ""
        document = LeaseDocument(bytes: bytes)
    }

    /// What replaces the object that was read: the API server refuses it if somebody was faster.
    package func encoded(namespace: String, name: String) throws(LeaseError) -> Data {
        var object: [String: Any] = [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": ["namespace": namespace, "name": name],
        ]
        if let document,
            let read = try? JSONSerialization.jsonObject(with: document.bytes) as? [String: Any]
        {
            object = read
        }
        var metadata = object["metadata"] as? [String: Any] ?? [:]
        var notes = metadata["annotations"] as? [String: Any] ?? [:]
        (notes[Self.toldKey], notes[Self.silencesKey], notes[Self.openKey]) = (told, silences, open)
        metadata["annotations"] = notes
        // A page long, and of no use to who sends it.
        metadata["managedFields"] = nil
        object["metadata"] = metadata
        object["spec"] = (object["spec"] as? [String: Any] ?? [:]).merging(spec) { $1 }
        guard let bytes = try? JSONSerialization.data(withJSONObject: object) else {
            throw LeaseError(description: "the Lease cannot be written as JSON")
        }
        return bytes
    }

    private var spec: [String: Any] {
        [
            "holderIdentity": holder,
            // The API refuses zero.
            "leaseDurationSeconds": Int(max(1, duration / 1_000)),
            "acquireTime": text(acquiredAt), "renewTime": text(renewedAt),
            "leaseTransitions": transitions,
        ]
    }
}

/// MicroTime: RFC 3339 with six digits of a second.
private let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

private func moment(_ value: Any?) -> Timestamp {
    guard let text = value as? String, text.utf8.count <= 40 else { return .zero }
    let date = (try? style.parse(text)) ?? (try? Date.ISO8601FormatStyle().parse(text))
    let seconds = date?.timeIntervalSince1970 ?? 0
    // Thousands of years away is no moment.
    guard (0..<1e11) ~= seconds else { return .zero }
    return Timestamp(milliseconds: Int64(seconds * 1_000))
}

private func text(_ moment: Timestamp) -> String {
    let date = Date(timeIntervalSince1970: Double(moment.milliseconds) / 1_000)
    return date.formatted(style).replacing("Z", with: "000Z")
}
