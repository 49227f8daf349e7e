// SPDX-License-Identifier: Apache-2.0
import CFuzzer
import Netlink
import Routing

/// Datagrams as the kernel might send them: two bytes of length before each, which the reader of
/// sockets would have; the answers to the dumps under way have their sequence numbers put in.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var bytes = Array(UnsafeBufferPointer(start: start, count: count))[...]
    var machine = KernelMachine(
        supernets: [Prefix("10.0.0.0/8"), Prefix("fd00::/8")].compactMap(\.self)
    )
    _ = machine.start(now: .zero)
    var now: Int64 = 0
    var sequence: UInt8 = 1
    while bytes.count > 2 {
        let length = Int(bytes.removeFirst()) | Int(bytes.removeFirst()) << 8
        var datagram = Array(bytes.prefix(length))
        bytes = bytes.dropFirst(length)
        if datagram.count > 12, datagram[8] == 0 { datagram[8] = sequence }
        now += 100
        for action in machine.received(datagram, now: Timestamp(milliseconds: now)) {
            if case .send(let request) = action { sequence = request[8] }
        }
        for action in machine.timerFired(now: Timestamp(milliseconds: now)) {
            if case .send(let request) = action { sequence = request[8] }
        }
    }
    _ = machine.rib.addresses(of: machine.rib.linkNames)
    return 0
}

@main enum Fuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        _ = LLVMFuzzerRunDriver(&count, &arguments, fuzz)
    }
}
