// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Release

@main
struct CollectorMain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "podpath-collector",
        abstract: "Names the first broken stage of every pod CIDR's way.",
        version: "podpath-collector \(versionAndRevision)",
        subcommands: [
            Serve.self, Check.self, Status.self, TracePath.self, IncidentsCommand.self,
            SilenceCommand.self, NotifyTest.self, Inspect.self, ReplayJournal.self, BackUp.self,
            ListKinds.self,
        ]
    )
}
