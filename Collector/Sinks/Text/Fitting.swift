// SPDX-License-Identifier: Apache-2.0

extension Message {
    /// The message with as much of its middle as fits into `limit`, of whatever `size` counts: the verdict at its
    /// head and the link at its end stay.
    func fitted(into limit: Int, size: (Message) -> Int) -> Message {
        guard size(self) > limit else { return self }
        // The fewest lines that must go: the fewer, the larger.
        var (few, many) = (0, lines.count + evidence.count + commands.count)
        while few < many {
            let middle = (few + many) / 2
            if size(without(middle)) > limit { few = middle + 1 } else { many = middle }
        }
        var message = without(many)
        // 600 characters at the start: a dozen turns.
        while size(message) > limit, message.headline.unicodeScalars.count > 20 {
            let kept = message.headline.unicodeScalars.count * 3 / 4
            message.headline = String(message.headline.unicodeScalars.prefix(kept)) + "…"
        }
        return message
    }

    private func without(_ count: Int) -> Message {
        var message = self
        for _ in 0..<count where message.dropMiddle() { message.omitted += 1 }
        return message
    }

    /// What can be looked up soonest goes first: of each part one line stays for long. False if only head and end
    /// are left.
    private mutating func dropMiddle() -> Bool {
        if evidence.count > 1 || (commands.isEmpty && !evidence.isEmpty) {
            evidence.removeLast()
        } else if commands.count > 1 {
            commands.removeLast()
        } else if lines.count > 2 {
            lines.removeLast()
        } else if !evidence.isEmpty {
            evidence.removeLast()
        } else if !commands.isEmpty {
            commands.removeLast()
        } else if !lines.isEmpty {
            lines.removeLast()
        } else {
            return false
        }
        return true
    }
}
