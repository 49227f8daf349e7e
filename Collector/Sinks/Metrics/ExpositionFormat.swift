// SPDX-License-Identifier: Apache-2.0

/// How metrics are written: Prometheus' text 0.0.4, or OpenMetrics 1.0.0 for whoever asks for it.
package enum ExpositionFormat: Sendable, Hashable {
    case text
    case openMetrics

    package var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// Of an `Accept` header: OpenMetrics if it is named, and not liked less than text.
    package init(accept: String?) {
        // A scraper names five at most.
        let ranges = (accept ?? "").split(separator: ",", maxSplits: 32).map(MediaRange.init)
        let openMetrics = ranges.map(\.weightOfOpenMetrics).max() ?? 0
        let text = ranges.map(\.weightOfText).max() ?? 0
        self = openMetrics > 0 && openMetrics >= text ? .openMetrics : .text
    }
}

/// One element of an `Accept` header (RFC 9110, 12.5.1).
private struct MediaRange {
    let type: String
    var weight = 1.0
    var version: String?

    init(_ text: Substring) {
        let parts = text.split(separator: ";", maxSplits: 16, omittingEmptySubsequences: false)
            .map { $0.filter { $0 != " " && $0 != "\t" && $0 != "\"" }.lowercased() }
        type = parts.first ?? ""
        for part in parts.dropFirst() {
            if part.hasPrefix("q=") { weight = Double(part.dropFirst(2)) ?? 0 }
            if part.hasPrefix("version=") { version = String(part.dropFirst(8)) }
        }
        if !(0...1).contains(weight) { weight = 0 }
    }

    var weightOfOpenMetrics: Double {
        type == "application/openmetrics-text" && version ?? "1.0.0" == "1.0.0" ? weight : 0
    }

    /// What takes anything gets what everybody reads.
    var weightOfText: Double {
        guard ["text/plain", "text/*", "*/*"].contains(type), version ?? "0.0.4" == "0.0.4"
        else { return 0 }
        return weight
    }
}
