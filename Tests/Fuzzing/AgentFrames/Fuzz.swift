// SPDX-License-Identifier: Apache-2.0
import CFuzzer
import Routing
import Wire

/// What any peer may send, proved or not, to the collector: one frame's body. What is read must
/// come back the same when it is written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let now = Timestamp(milliseconds: 1_000_000_000_000)
    let body = Array(UnsafeBufferPointer(start: start, count: count))
    var skipped = SkippedContent()
    guard let frame = try? AgentFrame(decoding: body[...], now: now, skipped: &skipped) else {
        return 0
    }
    let written = frame.encoded(now: now)
    guard written.count - 4 <= WireLimit.frame else { return 0 }
    let again = try? AgentFrame(decoding: written.dropFirst(4), now: now, skipped: &skipped)
    precondition(again?.encoded(now: now) == written, "written, read and written: not the same")
    var facts = ReplicatedFacts()
    _ = facts.apply(frame)
    return 0
}

@main enum Fuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        _ = LLVMFuzzerRunDriver(&count, &arguments, fuzz)
    }
}
