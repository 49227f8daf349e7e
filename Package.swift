// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// Targets stand in the order in which a pod CIDR passes through them.
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let hashTrees = Target.Dependency.product(name: "HashTreeCollections", package: "swift-collections")
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle",
    package: "swift-service-lifecycle"
)
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioFoundation = Target.Dependency.product(name: "NIOFoundationCompat", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")

func module(
    _ name: String,
    _ path: String,
    _ dependencies: [Target.Dependency] = [],
    resources: [Resource]? = nil
) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: path,
        resources: resources,
        swiftSettings: settings
    )
}

/// A module without any unsafe call: the compiler holds it to that.
func safeModule(
    _ name: String,
    _ path: String,
    _ dependencies: [Target.Dependency] = []
) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: path,
        swiftSettings: settings + [.strictMemorySafety()]
    )
}

func program(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies,
        path: path,
        swiftSettings: settings
    )
}

func tests(
    _ name: String,
    _ path: String,
    _ dependencies: [Target.Dependency],
    exclude: [String] = []
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies,
        path: path,
        exclude: exclude,
        swiftSettings: settings
    )
}

/// What is told of each case from the field stands beside its facts, and is read where it stands.
let fieldCaseTexts = (1...48).flatMap { number in
    let folder = "Cases/F" + (number < 10 ? "0" : "") + String(number)
    return ["\(folder)/story.md", "\(folder)/transcript.txt"]
}

let pageAssets = [
    "page.html", "page.css", "page.js", "collector.js", "incidents.js", "matrix.js", "path.js",
    "rows.js", "silences.js", "sources.js", "text.js", "timeline.js", "verdict.js", "words.js",
]

let package = Package(
    name: "podpath",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "podpath-agent", targets: ["podpath-agent"]),
        .executable(name: "podpath-collector", targets: ["podpath-collector"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    ],
    targets: [
        // What both sides agree on.
        safeModule("Routing", "Shared/Routing"),
        safeModule("Wire", "Shared/Wire", ["Routing"]),
        .target(
            name: "CRevision",
            path: "Shared/CRevision",
            cSettings: Context.environment["PODPATH_REVISION"].map {
                [.define("PODPATH_REVISION", to: "\"\($0)\"")]
            }
        ),
        module("Release", "Shared/Release", ["CRevision"]),
        module("Supervision", "Shared/Supervision", ["Routing"]),
        .systemLibrary(name: "CLinux", path: "Shared/CLinux"),
        module("EventLoop", "Shared/EventLoop", ["CLinux"]),
        .systemLibrary(
            name: "COpenSSL",
            path: "Shared/COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]
        ),
        module("TLS", "Shared/TLS", ["COpenSSL"]),
        .systemLibrary(
            name: "CCrypt",
            path: "Shared/CCrypt",
            providers: [.apt(["libcrypt-dev"])]
        ),
        // The node: kernel and BIRD in, report out.
        .systemLibrary(
            name: "CMNL",
            path: "Agent/CMNL",
            pkgConfig: "libmnl",
            providers: [.apt(["libmnl-dev"])]
        ),
        module("Netlink", "Agent/Netlink", ["Routing", "CMNL"]),
        safeModule("BIRD", "Agent/BIRD", ["Routing"]),
        safeModule("Reporting", "Agent/Reporting", ["Wire", "Routing"]),
        program(
            "podpath-agent",
            "Agent/Main",
            [
                "Routing", "Wire", "Release", "Supervision", "CLinux", "EventLoop", "TLS",
                "Netlink", "BIRD", "Reporting",
            ]
        ),
        // The collector: sources, facts, verdicts, incidents, sinks.
        safeModule("Facts", "Collector/Facts", ["Routing", hashTrees]),
        module(
            "AgentSource",
            "Collector/Sources/Agents",
            ["Facts", "Routing", "Wire", "TLS", "EventLoop", "CLinux"]
        ),
        module("VendorJSON", "Collector/Sources/JSON"),
        safeModule("Deadline", "Collector/Deadline"),
        module(
            "DeviceHTTP",
            "Collector/Sources/HTTP",
            ["Deadline", httpClient, nio, nioHTTP, nioSSL]
        ),
        module(
            "SwitchDialects",
            "Collector/Sources/SwitchDialects",
            ["Facts", "Routing", "VendorJSON"]
        ),
        module(
            "SwitchSource",
            "Collector/Sources/Switches",
            [
                "Facts", "Routing", "VendorJSON", "Deadline", "DeviceHTTP", "SwitchDialects",
                subprocess,
                httpClient, nio, nioPosix, nioHTTP,
            ]
        ),
        module(
            "BigIPSource",
            "Collector/Sources/BigIP",
            [
                "Facts", "Routing", "VendorJSON", "Deadline", "DeviceHTTP", httpClient, nio,
                nioPosix, nioHTTP,
            ]
        ),
        module(
            "KubernetesSource",
            "Collector/Sources/Kubernetes",
            ["Facts", "Routing", "Deadline", httpClient, nio, nioFoundation, nioSSL, yams]
        ),
        module("OperatorSource", "Collector/Sources/Operators", ["Facts", "Routing", yams]),
        safeModule("Verdicts", "Collector/Verdicts", ["Facts", "Routing"]),
        safeModule("Incidents", "Collector/Incidents", ["Verdicts", "Facts", "Routing"]),
        module(
            "Journal",
            "Collector/Journal",
            ["Incidents", "Verdicts", "Facts", "Routing"]
        ),
        module(
            "Store",
            "Collector/Store",
            ["Incidents", "Verdicts", "Facts", "Routing", grdb]
        ),
        module("Election", "Collector/Election", ["Incidents", "Verdicts", "Facts", "Routing"]),
        module("Passwords", "Collector/Passwords", ["CCrypt", "COpenSSL"]),
        module(
            "Sinks",
            "Collector/Sinks",
            [
                "Deadline", "Incidents", "Verdicts", "Facts", "Passwords", "Routing", hummingbird,
                httpClient,
                nio, nioHTTP, nioSSL, crypto, subprocess, log, lifecycle,
            ],
            resources: (pageAssets + ["schemas.json"]).map {
                .embedInCode($0 == "schemas.json" ? "Web/" + $0 : "Web/Assets/" + $0)
            }
        ),
        program(
            "podpath-collector",
            "Collector/Main",
            [
                "Routing", "Wire", "Release", "Supervision", "Facts", "AgentSource", "Deadline",
                "SwitchDialects", "SwitchSource", "BigIPSource", "KubernetesSource",
                "OperatorSource", "Verdicts", "Incidents", "Journal", "Store", "Election",
                "Passwords", "Sinks",
                arguments, yams,
                log,
                lifecycle, httpClient, nio, nioSSL,
            ]
        ),
        // Tests, in the same order.
        .target(
            name: "Support",
            dependencies: ["Routing"],
            path: "Tests/Support",
            swiftSettings: settings
        ),
        tests("SharedTests", "Tests/Shared", ["Routing", "Wire", "EventLoop", "TLS", "Support"]),
        tests(
            "AgentTests",
            "Tests/Agent",
            ["Routing", "Wire", "CLinux", "Netlink", "BIRD", "Reporting", "Support"]
        ),
        tests(
            "CollectorTests",
            "Tests/Collector",
            [
                "Routing", "Wire", "Facts", "AgentSource", "VendorJSON", "SwitchDialects",
                "SwitchSource", "BigIPSource", "KubernetesSource", "OperatorSource", "Verdicts",
                "Incidents", "Store", "Election", "Passwords", "Sinks", "Support", grdb,
                .target(name: "podpath-collector"),
            ]
        ),
        tests(
            "ScenarioTests",
            "Tests/Scenarios",
            ["Routing", "Facts", "Verdicts", "Incidents", "Journal", "Support"],
            exclude: fieldCaseTexts
        ),
        tests("TidyTests", "Tests/Tidy", ["Verdicts"]),
    ]
)

// Decoders under libFuzzer and the address sanitizer: Tests/Fuzzing/run.
if Context.environment["PODPATH_FUZZING"] != nil {
    let fuzzed = [
        "AgentFrames": ["Wire", "Routing"],
        "CollectorFrames": ["Reporting", "Wire", "Routing"],
        "BIRDReplies": ["BIRD", "Routing"],
        "NetlinkMessages": ["Netlink", "Routing"],
        "BMPStreams": ["SwitchDialects", "Routing"],
        "SwitchWords": ["SwitchDialects", "Facts", "Routing"],
    ]
    package.targets.append(.systemLibrary(name: "CFuzzer", path: "Tests/Fuzzing/CFuzzer"))
    package.targets += fuzzed.sorted { $0.key < $1.key }.map { name, dependencies in
        .executableTarget(
            name: "fuzz-" + name,
            dependencies: (dependencies + ["CFuzzer"]).map { .byName(name: $0) },
            path: "Tests/Fuzzing/" + name,
            swiftSettings: settings + [
                .unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"])
            ],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]
        )
    }
    // Coverage of what is fuzzed, not only of the few lines that call it.
    for target in package.targets
    where ["Routing", "Wire", "Reporting", "BIRD", "Netlink", "SwitchDialects"].contains(
        target.name
    ) {
        target.swiftSettings?.append(
            .unsafeFlags(["-sanitize=fuzzer,address"])
        )
    }
}

// What is measured, beside its peers: Tests/Benchmarks/run.
if Context.environment["PODPATH_BENCHMARKS"] != nil {
    package.dependencies.append(
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0")
    )
    let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
    let benchmarks: [(String, String, [Target.Dependency], [String])] = [
        ("benchmark-codec", "Codec", ["Routing", "Wire", protobuf], ["report.proto"]),
        ("benchmark-kernel-dump", "KernelDump", ["Routing", "Netlink"], []),
        ("benchmark-ingest", "Ingest", ["AgentSource", "Facts", "Routing", "TLS"], []),
        ("benchmark-bmp", "BMP", ["SwitchDialects", "Routing"], []),
        ("benchmark-judge", "Judge", ["Verdicts", "Facts", "Routing"], []),
        ("fleet", "Fleet", ["EventLoop", "TLS", "Reporting", "Wire", "Routing"], []),
    ]
    package.targets += benchmarks.map { name, folder, dependencies, exclude in
        .executableTarget(
            name: name,
            dependencies: dependencies,
            path: "Tests/Benchmarks/" + folder,
            exclude: exclude,
            swiftSettings: settings
        )
    }
}
