// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

@main
struct CollectorMain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "podpath-collector",
        abstract: "Names the first broken stage of every pod CIDR's way.",
        version: version,
        subcommands: [
            Serve.self, Check.self, Status.self, TracePath.self, IncidentsCommand.self,
            SilenceCommand.self, NotifyTest.self, Inspect.self, ReplayJournal.self, BackUp.self,
            ListKinds.self,
        ]
    )
}
