// SPDX-License-Identifier: Apache-2.0

/// The commit that this was built from. `git archive` writes it between the dollar signs, so that a release built
/// from such an archive knows it; a build in a working tree, which may hold anything, does not say.
private let archived = "$Format:%H$"

let revision = archived.hasPrefix("$") ? "unknown" : archived
