// SPDX-License-Identifier: Apache-2.0
import VendorJSON

extension JSONValue {
    /// The rows of one of NX-OS's tables: `TABLE_x.ROW_x`, an object for one row and a list for
    /// several, or a list always, as release and request have it. Nil if there is no such table;
    /// what is neither is a problem at `place`.
    func rows(
        _ name: String,
        _ place: @autoclosure () -> String,
        _ answer: inout SwitchAnswer
    ) -> [JSONValue]? {
        guard let table = self["TABLE_" + name] else { return nil }
        guard let object = table.object else {
            // Some releases print "" or null for a table without rows.
            if table == .null || table.text == "" { return [] }
            answer.doubt("\(place()): TABLE_\(name): not an object")
            return []
        }
        switch object["ROW_" + name] {
        case nil, .null: return []
        case .array(let rows):
            if rows.contains(where: { $0.object == nil }) {
                answer.doubt("\(place()): ROW_\(name): not a row")
            }
            return rows.filter { $0.object != nil }
        case .some(let row) where row.object != nil: return [row]
        default:
            answer.doubt("\(place()): ROW_\(name): not a row")
            return []
        }
    }
}
