// SPDX-License-Identifier: Apache-2.0
import CRevision

/// Of agent and collector: they are released together.
package let version = "0.1.0"

/// The commit that this was built from, or "unknown".
package let revision = known(String(cString: podpath_revision))

/// What `--version` says.
package let versionAndRevision = "\(version) (revision \(revision))"

private func known(_ text: String) -> String { text.hasPrefix("$") ? "unknown" : text }
