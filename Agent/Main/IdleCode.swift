// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Gives back the pages of code and constants that only beginnings need, a handshake above all:
/// they are the files' own, clean, and come back when they are touched again. What is resident
/// after it is what the agent lives on.
///
/// Only mappings of files that nobody can write and nobody has written (`Anonymous: 0`, which
/// leaves out what the linker relocated): there is nothing in them that the file does not hold.
func giveBackIdleCode() {
    guard let map = fopen("/proc/self/smaps", "r") else { return }
    defer { fclose(map) }
    var line = [CChar](repeating: 0, count: 1_024)
    var candidate: Range<UInt>?
    while fgets(&line, Int32(line.count), map) != nil {
        let bytes = line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        if words.first?.last == ":" {
            guard words[0] == "Anonymous:", words.count > 1, words[1] == "0" else { continue }
            if let candidate { giveBack(candidate) }
        } else {
            candidate = readOnlyFileRange(words)
        }
    }
}

private func giveBack(_ range: Range<UInt>) {
    madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
}

/// `55d0a000-55d0b000 r-xp 00001000 fd:00 1234 /usr/bin/…` in words; nil for anything but a file's
/// private mapping without the right to write. Inode 0 is no file.
private func readOnlyFileRange(_ words: [Substring]) -> Range<UInt>? {
    guard words.count >= 6, words[1] == "r-xp" || words[1] == "r--p", words[4] != "0" else {
        return nil
    }
    let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
    guard ends.count == 2, ends[0] < ends[1] else { return nil }
    return ends[0]..<ends[1]
}
