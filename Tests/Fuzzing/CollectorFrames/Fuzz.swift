// SPDX-License-Identifier: Apache-2.0
import CFuzzer
import Reporting
import Routing
import Wire

/// What a collector may send to an agent: bytes of a stream, in two pieces.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let hello = AgentFrame.Hello(node: "n1", interval: 5_000, agentVersion: "0")
    var table = FactTable()
    var report = Report()
    report.routes = [KernelRoute(prefix: Prefix(host: IPAddress(family: .ipv4, bits: 1)))]
    table.replace(with: report)
    var stream = ReportStream(hello: hello, seed: 1, now: .zero)
    _ = stream.proceed(table, now: .zero)
    // Half of them with a token: what comes before the welcome is another matter then.
    let token = (bytes.last ?? 0) & 1 == 0 ? nil : BearerToken(Array("e30.e30.c2ln".utf8))
    _ = stream.opened(table, token: token, now: .zero)
    let cut = bytes.first.map { Int($0) % (count + 1) } ?? 0
    _ = stream.received(bytes[..<cut], table, now: .zero)
    table.replace(with: Report())
    _ = stream.received(bytes[cut...], table, now: Timestamp(milliseconds: 1))
    _ = stream.proceed(table, now: Timestamp(milliseconds: 60_000))
    return 0
}

@main enum Fuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        _ = LLVMFuzzerRunDriver(&count, &arguments, fuzz)
    }
}
