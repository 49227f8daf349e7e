// SPDX-License-Identifier: Apache-2.0
import CLinux
import Testing

@Suite struct ADayOfFlapping {
    /// What the standard library keeps of tables that were once larger, in bytes.
    static let slack = 64 << 10

    // In a process of its own: the heap is this node's alone.
    @Test("a day of flapping, its time passed in, leaves the heap as its first hour left it")
    func heap() async {
        await #expect(processExitsWith: .success) {
            var node = try FlappingNode()
            try node.pass(hours: 1)
            let early = mallinfo2().uordblks
            try node.pass(hours: 23)
            let late = mallinfo2().uordblks
            #expect(late <= early + ADayOfFlapping.slack, "\(early) bytes in use, then \(late)")
            #expect(node.isUnderstood)
            // Half of the turns change what is told; the mute collector is left every fifteen seconds.
            #expect(node.reports > 20_000, "\(node.reports)")
            #expect(node.connections > 1_000, "\(node.connections)")
        }
    }
}
