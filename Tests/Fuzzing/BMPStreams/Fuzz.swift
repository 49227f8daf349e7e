// SPDX-License-Identifier: Apache-2.0
import CFuzzer
import Routing
import SwitchDialects

/// What a router may send to the collector: BMP, and in it BGP's OPENs and UPDATEs; in two pieces. In
/// one piece it must come to the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let cut = bytes.first.map { Int($0) % (count + 1) } ?? 0
    var router = BMPRouter()
    var isBroken = false
    for piece in [bytes[..<cut], bytes[cut...]] where !isBroken {
        do { try router.received(Array(piece), now: .zero) } catch { isBroken = true }
    }
    let routes = router.routes { _ in true }
    _ = (router.problems, router.neighbors)
    _ = router.untold([.ipv4, .ipv6], at: Timestamp(milliseconds: 9_000))
    let whole = decodeBMP(bytes)
    if !isBroken, !router.isInMessage { precondition(whole.table.routes.count <= routes.count) }
    listen(bytes)
    return 0
}

/// The same bytes as a BGP session.
private func listen(_ bytes: [UInt8]) {
    let identity = BGPListenerFeed.Identity(asn: 64_512, routerID: IPAddress(ipv4: 1))
    var feed = BGPListenerFeed(identity: identity, supernets: [])
    _ = feed.opened(now: .zero)
    _ = feed.received(bytes, now: .zero)
    _ = feed.timerFired(now: Timestamp(milliseconds: 10_000))
}

@main enum Fuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        _ = LLVMFuzzerRunDriver(&count, &arguments, fuzz)
    }
}
