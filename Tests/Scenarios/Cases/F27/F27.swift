// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f27 = FieldCase("F27") { story in
        let way = KernelRoute(
            prefix: prefix("10.16.2.77/32"),
            proto: 12,
            nextHops: [NextHop(gateway: address("10.1.0.1"), device: "uplink0")]
        )
        story.useCalico()
        let pod = EndpointSlice.Endpoint(address: address("10.16.2.77"), node: "n1", isReady: true)
        let slice = EndpointSlice(service: "default/lent", endpoints: [pod], ports: [Story.port])
        story.tell(.endpointSlices(.changed(["lent-1": slice])))
        story.calicoNode(3) { kernel, _ in kernel.routes.append(way) }
        story.begin()
        story.calicoNode(3)
        story.pass(60)
        story.calicoNode(3) { kernel, _ in kernel.routes.append(way) }
        story.pass(60)
    }
}
