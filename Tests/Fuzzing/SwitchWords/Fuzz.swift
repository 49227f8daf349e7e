// SPDX-License-Identifier: Apache-2.0
import CFuzzer
import Facts
import Routing
import SwitchDialects

/// What a switch may answer: NX-OS's words, and JSON in each dialect, by the first byte.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = bytes.first else { return 0 }
    let rest = Array(bytes.dropFirst())
    let answer: SwitchAnswer? =
        switch choice % 4 {
        case 0: try? decodeNXAPI(rest)
        case 1: try? decodeEOS(rest)
        case 2: try? decodeFRR(rest)
        default: decodeNXOSText(rest)
        }
    // What is not complete says why, and whatever is said is of the whole or of a prefix.
    if let answer {
        let isSpotless = answer.isComplete && answer.table.doubtful.isEmpty
        precondition(isSpotless == answer.problems.isEmpty)
    }
    return 0
}

@main enum Fuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        _ = LLVMFuzzerRunDriver(&count, &arguments, fuzz)
    }
}
