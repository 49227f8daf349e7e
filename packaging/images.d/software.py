# SPDX-License-Identifier: Apache-2.0
"""What is in the programs and images besides podpath: as a text with all licences, and as SPDX.

    software.py text PRODUCT CHECKOUTS RESOLVED                          licences of what is built in, for people
    software.py spdx IMAGE VERSION EPOCH RESOLVED CHECKOUTS [PACKAGE …]  an SBOM: JSON, SPDX 2.3

PRODUCT and IMAGE are podpath-agent or podpath-collector, RESOLVED is Package.resolved, PACKAGE a Debian package."""

import datetime
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

# By the words that each licence has and no other.
LICENCES = (("Apache-2.0", "Apache License"), ("MIT", "Permission is hereby granted, free of charge"))


def swift():
    """The runtime that is linked in: version, and where its licence lies in the toolchain."""
    said = subprocess.run(["swift", "--version"], text=True, capture_output=True, check=True).stdout
    home = pathlib.Path(shutil.which("swift")).resolve().parents[1]
    return re.search(r"Swift version ([\d.]+)", said)[1], home / "share/swift/LICENSE.txt"


def built_in(product, checkouts, resolved):
    """Name, version, where it is from, revision, SPDX licence, files with its terms. The agent is built of Swift's
    standard library alone."""
    version, licence = swift()
    found = [("swift", version, "https://github.com/swiftlang/swift", None,
              "Apache-2.0 WITH Swift-exception", [licence] if licence.exists() else [])]
    if product == "podpath-agent":
        return found
    for pin in json.loads(resolved.read_text())["pins"]:
        folder = checkouts / pathlib.PurePath(pin["location"]).name.removesuffix(".git")
        terms = sorted([*folder.glob("LICENSE*"), *folder.glob("NOTICE*")])
        text = "".join(path.read_text() for path in terms)
        name = next((name for name, words in LICENCES if words in text), "NOASSERTION")
        found.append((pin["identity"], pin["state"].get("version", "0"), pin["location"], pin["state"]["revision"],
                      name, terms))
    return found


def text(product, checkouts, resolved):
    parts = [f"Software that is built into {product}, and its terms.\n"]
    for name, version, place, _, licence, terms in built_in(product, checkouts, resolved):
        parts.append(f"{'=' * 100}\n{name} {version}, {place}: {licence}\n")
        parts += [f"{'-' * 100}\n{path.read_text(errors='replace')}" for path in terms]
    return "\n".join(parts)


def debian(package):
    """Version, architecture and source, of a package that is installed here."""
    form = "${Version}\t${Architecture}\t${source:Package}"
    done = subprocess.run(["dpkg-query", "-W", "-f", form, package], text=True, capture_output=True, check=True)
    return done.stdout.split("\t")


def debian_licence(package):
    """The names that a machine-readable copyright file gives to licences are Debian's, not SPDX': they are told as
    a comment."""
    path = pathlib.Path("/usr/share/doc", package, "copyright")
    names = re.findall(r"^License: *(\S.*)$", path.read_text(errors="replace"), re.M) if path.exists() else []
    return ", ".join(sorted(set(names)))


def identifier(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def entry(name, version, licence, place, reference=None, comment=""):
    made = {"SPDXID": identifier(name), "name": name, "versionInfo": version, "downloadLocation": place,
            "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": licence,
            "copyrightText": "NOASSERTION"}
    if reference:
        made["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                 "referenceLocator": reference}]
    return made | ({"licenseComments": comment} if comment else {})


def spdx(image, version, epoch, resolved, checkouts, packages):
    entries = [entry(image, version, "Apache-2.0", "NOASSERTION")]
    for name, release, place, revision, licence, _ in built_in(image, checkouts, resolved):
        # SPDX wants a revision as part of a git location.
        where = f"git+{place.removesuffix('.git')}.git@{revision}" if revision else place
        path = place.removeprefix("https://").removesuffix(".git")
        entries.append(entry(name, release, licence, where, f"pkg:swift/{path}@{release}"))
    for package in sorted(packages):
        release, architecture, source = debian(package)
        entries.append(entry(package, release, "NOASSERTION", "NOASSERTION",
                             f"pkg:deb/debian/{package}@{release}?arch={architecture}&upstream={source}",
                             debian_licence(package)))
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", entries[0]["SPDXID"])]
    relations += [(entries[0]["SPDXID"], "CONTAINS", one["SPDXID"]) for one in entries[1:]]
    content = hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": image,
            "documentNamespace": f"https://spdx.org/spdxdocs/{image}-{version}-{content[:32]}",
            "creationInfo": {"created": created, "creators": ["Tool: podpath-packaging"]},
            "packages": entries,
            "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}
                              for a, kind, b in relations]}


def main(words):
    if words[:1] == ["text"] and len(words) == 4:
        print(text(words[1], pathlib.Path(words[2]), pathlib.Path(words[3])), end="")
    elif words[:1] == ["spdx"] and len(words) >= 6:
        made = spdx(words[1], words[2], int(words[3]), pathlib.Path(words[4]), pathlib.Path(words[5]), words[6:])
        print(json.dumps(made, indent=1))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
