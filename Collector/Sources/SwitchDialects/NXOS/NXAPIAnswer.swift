// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
package import VendorJSON

/// NX-OS's structured answers, in any of their envelopes and dialects (facts of NX-API as its
/// programmability guides and recorded devices have it):
///
/// - the table itself, as `| json` and `| json native` print it, one document a command;
/// - `ins_api`: `outputs.output` is one command's answer or a list of them, each with its `code`;
/// - JSON-RPC: one answer or a list of them, the table in `result.body`, text in `result.msg`.
///
/// Every leaf may be text or a number, every row an object or a list, at every level by itself.
/// Where a command has no structured output, its text stands in the body and is read as text.
package func decodeNXAPI(_ bytes: [UInt8]) throws(JSONError) -> SwitchAnswer {
    var answer = SwitchAnswer()
    try takeNXAPI(bytes, &answer)
    answer.conclude()
    return answer
}

/// Adds to what other commands said.
package func takeNXAPI(_ bytes: [UInt8], _ answer: inout SwitchAnswer) throws(JSONError) {
    let documents = try unambiguousDocuments(bytes)
    for document in documents { takeEnvelope(document, &answer) }
}

private func takeEnvelope(_ document: JSONValue, _ answer: inout SwitchAnswer) {
    if let outputs = document["ins_api"]?["outputs"] {
        switch outputs["output"] {
        case .array(let list): for output in list { takeOutput(output, &answer) }
        case .some(let output): takeOutput(output, &answer)
        case nil: answer.doubt("ins_api: no output")
        }
    } else if let replies = document.array {
        for reply in replies { takeReply(reply, &answer) }
    } else if document["jsonrpc"] != nil {
        takeReply(document, &answer)
    } else if document["ins_api"] != nil {
        answer.doubt("ins_api: no outputs")
    } else {
        takeBody(document, &answer)
    }
}

/// One command's part of an `ins_api` answer.
private func takeOutput(_ output: JSONValue, _ answer: inout SwitchAnswer) {
    guard output.object != nil else { return answer.doubt("outputs.output: not an object") }
    let code = output["code"]?.text ?? "200"
    guard code == "200" else {
        let words = [output["msg"]?.text, output["clierror"]?.text].compactMap(\.self)
        return answer.doubt("code \(code.prefix(16)): \(words.joined(separator: ", ").prefix(120))")
    }
    guard let body = output["body"] else {
        return answer.doubt("outputs.output: no body")
    }
    takeBody(body, &answer)
}

/// One command's JSON-RPC reply.
private func takeReply(_ reply: JSONValue, _ answer: inout SwitchAnswer) {
    if let error = reply["error"] {
        let words = error["data"]?["msg"]?.text ?? error["message"]?.text ?? ""
        return answer.doubt("error \(error["code"]?.text ?? ""): \(words.prefix(120))")
    }
    guard reply["jsonrpc"] != nil else { return answer.doubt("not a JSON-RPC reply") }
    if let body = reply["result"]?["body"] {
        takeBody(body, &answer)
    } else if let text = reply["result"]?["msg"]?.text {
        takeNXOSText(text, &answer)
    } else {
        answer.doubt("a reply without a result")
    }
}

private func takeBody(_ body: JSONValue, _ answer: inout SwitchAnswer) {
    if case .string(let text) = body { return takeNXOSText(text, &answer) }
    guard let vrfs = body.rows("vrf", "answer", &answer) else {
        return answer.doubt("no TABLE_vrf: neither a routing table nor a BGP summary")
    }
    guard !vrfs.isEmpty else { return answer.doubt("TABLE_vrf: no VRF") }
    // A summary's VRFs have families, a routing table's have address families of their own name.
    if vrfs.contains(where: { $0["TABLE_af"] != nil || $0["vrf-router-id"] != nil }) {
        answer.addSummary(nxosPeers(vrfs, &answer))
    } else {
        takeNXOSTables(vrfs, &answer)
    }
}
