package import Facts
package enum SwitchDecodingError: Error, Equatable { case empty }
package struct SwitchAnswer { package var table: SwitchTable; package var problems: [String]; package var isComplete: Bool }
package func decodeFRR(_ bytes: [UInt8]) throws(SwitchDecodingError) -> SwitchAnswer { throw .empty }
package func inspectRoutes(_ answer: SwitchAnswer) -> String { "" }
