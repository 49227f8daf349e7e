// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Verdicts

struct ListKinds: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kinds",
        abstract: "What can be named, with severities and holds as they are by default."
    )

    func run() { print(CatalogueTable.markdown) }
}
