// SPDX-License-Identifier: Apache-2.0
import Incidents

/// Any receiver that takes an incident as JSON by POST, and answers 2xx when it has it.
package struct Webhook: Sink {
    package let name: String
    private let address: Credential
    private let account: Account?
    private let door: SinkDoor

    package init(name: String, address: Credential, account: Account?, door: SinkDoor) {
        self.name = name
        self.address = address
        self.account = account
        self.door = door
    }

    package func deliver(_ notice: Notice) async throws(SinkError) {
        for transition in notice.transitions {
            var request = SinkRequest(
                url: try address.secret().reveal(),
                body: json(IncidentDocument(transition))
            )
            request.headers.append(("Idempotency-Key", notice.key))
            if let header = try account?.header() { request.headers.append(header) }
            if let refusal = refusal(byStatusOf: try await door.exchange(request)) { throw refusal }
        }
    }
}
