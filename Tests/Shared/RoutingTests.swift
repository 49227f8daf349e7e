// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Testing

@Suite struct AddressAndPrefix {
    @Test(
        "an address prints as RFC 5952 wants it",
        arguments: [
            ("10.0.0.1", "10.0.0.1"), ("::", "::"), ("::1", "::1"), ("FD00:10::0", "fd00:10::"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("::ffff:10.1.2.3", "::ffff:a01:203"),
        ]
    )
    func prints(text: String, expected: String) {
        #expect(IPAddress(text)?.description == expected)
    }

    @Test(
        "what is not an address is none",
        arguments: [
            "", "10.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.1 ", "1.2.3.4.5", ":::", "1::2::3",
            "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1.2.3", "g::", "10.1.0.1%eth0",
        ]
    )
    func refuses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("a prefix has no host bits, whatever it is made from")
    func masks() {
        #expect(Prefix("10.16.3.1/24") == nil)
        #expect(Prefix(lenient: "10.16.3.1/24")?.description == "10.16.3.0/24")
        #expect(Prefix(lenient: "10.16.3.1")?.description == "10.16.3.1/32")
        #expect(Prefix("0.0.0.0/0")?.isDefault == true)
        #expect(Prefix("10.0.0.0/33") == nil)
        #expect(Prefix("fd00::/129") == nil)
    }

    @Test("an address of one family is in no prefix of the other")
    func families() {
        #expect(!prefix("0.0.0.0/0").contains(address("::1")))
        #expect(!prefix("::/0").contains(address("10.0.0.1")))
        #expect(address("::ffff:10.0.0.1").unmapped == address("10.0.0.1"))
    }

    @Test("the longest entry that covers wins, and removed entries are gone")
    func longestMatch() {
        var map = PrefixMap<String>()
        map[prefix("10.0.0.0/8")] = "eight"
        map[prefix("10.16.0.0/16")] = "sixteen"
        map[prefix("10.16.3.0/24")] = "twenty-four"
        #expect(map.longestMatch(address("10.16.3.9"))?.value == "twenty-four")
        #expect(map.longestMatch(prefix("10.16.0.0/20"))?.value == "sixteen")
        map[prefix("10.16.3.0/24")] = nil
        #expect(map.longestMatch(address("10.16.3.9"))?.value == "sixteen")
        #expect(map.longestMatch(address("11.0.0.1")) == nil)
        #expect(map.count == 2)
    }

    @Test("bytes give the address back, for any address", arguments: [UInt64(1), 2, 3])
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let bits = UInt128(random.next()) << 64 | UInt128(random.next())
            // Shifts leave runs of zeros, which the text form shortens.
            let shifted = bits >> UInt128(random.next() % 128)
            for family in [AddressFamily.ipv4, .ipv6] {
                let original = IPAddress(family: family, bits: shifted)
                #expect(IPAddress(bytes: original.bytes) == original)
                #expect(IPAddress(original.description) == original)
            }
        }
    }

    @Test("time arithmetic saturates")
    func saturates() {
        #expect(at(5) - Int64.max < at(0))
        #expect(at(.max) + 1 == at(.max))
        #expect(at(.min) - at(1) == .min)
    }
}
