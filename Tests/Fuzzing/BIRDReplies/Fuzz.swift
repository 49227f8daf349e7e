// SPDX-License-Identifier: Apache-2.0
import BIRD
import CFuzzer
import Routing

/// What stands behind a control socket's path may be anything: replies to a whole poll, an echo
/// session, and a file for `inspect`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let supernet = Prefix("10.0.0.0/8")
    let prefixes = Prefix("10.217.3.0/24").map { [$0] } ?? []
    var poll = BIRDPoll(
        prefixes: prefixes,
        supernets: supernet.map { [$0] } ?? [],
        now: .zero
    )
    _ = poll.connected(now: .zero)
    _ = poll.received(Array("0001 BIRD 2.0.12 ready.\n0016 Access restricted\n".utf8), now: .zero)
    for action in poll.received(bytes, now: .zero) {
        guard case .finish(let reading) = action else { continue }
        _ = reading.settled(comparedTo: reading)
    }
    var echo = EchoSession(now: .zero)
    _ = echo.received(bytes, now: .zero)
    _ = inspect(bytes)
    return 0
}

@main enum Fuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        _ = LLVMFuzzerRunDriver(&count, &arguments, fuzz)
    }
}
