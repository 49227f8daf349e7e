// SPDX-License-Identifier: Apache-2.0

/// What is written at `/metrics`, family by family. Numbers of things, never a series per CIDR.
package struct Exposition {
    package struct Sample {
        var value: Double
        var labels: KeyValuePairs<String, String>

        package init(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
            self.value = value
            self.labels = labels
        }
    }

    package let format: ExpositionFormat
    private var lines: [String] = []

    package init(_ format: ExpositionFormat = .text) { self.format = format }

    package var text: String {
        let end = format == .openMetrics ? ["# EOF"] : []
        return (lines + end).joined(separator: "\n") + "\n"
    }

    // MARK: - Families

    package mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
        head(name, "gauge", help)
        add(name, samples)
    }

    package mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        gauge(name, help, [Sample(value)])
    }

    /// `name` is without `_total`, which every sample bears.
    package mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
        // OpenMetrics names the family without the suffix, the older text with it.
        head(format == .openMetrics ? name : name + "_total", "counter", help)
        add(name + "_total", samples)
    }

    package mutating func counter(_ name: String, _ help: String, _ value: Double) {
        counter(name, help, [Sample(value)])
    }

    package mutating func histogram(_ name: String, _ help: String, _ durations: Durations) {
        head(name, "histogram", help)
        add(
            name + "_bucket",
            zip(Durations.bounds + [.infinity], durations.cumulative).map { bound, count in
                // Both formats read "1.0", and OpenMetrics wants it so.
                Sample(Double(count), ["le": bound.isFinite ? String(bound) : "+Inf"])
            }
        )
        add(name + "_sum", [Sample(durations.sum)])
        add(name + "_count", [Sample(Double(durations.count))])
    }

    // MARK: - Lines

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        lines.append("# HELP \(name) \(help)")
        lines.append("# TYPE \(name) \(type)")
    }

    /// A series that comes twice would cost the whole scrape: the first stands.
    private mutating func add(_ name: String, _ samples: [Sample]) {
        var written: Set<String> = []
        for sample in samples {
            let list = sample.labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",")
            let series = list.isEmpty ? name : "\(name){\(list)}"
            guard written.insert(series).inserted else { continue }
            lines.append("\(series) \(number(sample.value))")
        }
    }

    private func number(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf" }
        // Up to here a double holds every whole number.
        return value == value.rounded() && abs(value) < 9e15 ? String(Int64(value)) : String(value)
    }

    private func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
