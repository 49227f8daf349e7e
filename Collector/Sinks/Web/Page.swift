// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Hummingbird
import NIOCore

/// A file of the page as it was when the collector was built.
struct PageAsset: Sendable {
    let name: String
    let bytes: [UInt8]
    /// Of the content: a browser asks again each time, and is sent the bytes only when they are others.
    let tag: String

    init(_ name: String, _ bytes: [UInt8]) {
        (self.name, self.bytes) = (name, bytes)
        // FNV-1a: it tells builds apart, and guards nothing.
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        tag = "\"" + String(hash, radix: 36) + "\""
    }

    var type: String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        default: "text/javascript; charset=utf-8"
        }
    }

    static let all = [
        PageAsset("page.html", PackageResources.page_html),
        PageAsset("page.css", PackageResources.page_css),
        PageAsset("page.js", PackageResources.page_js),
        PageAsset("collector.js", PackageResources.collector_js),
        PageAsset("incidents.js", PackageResources.incidents_js),
        PageAsset("matrix.js", PackageResources.matrix_js),
        PageAsset("path.js", PackageResources.path_js),
        PageAsset("rows.js", PackageResources.rows_js),
        PageAsset("silences.js", PackageResources.silences_js),
        PageAsset("sources.js", PackageResources.sources_js),
        PageAsset("text.js", PackageResources.text_js),
        PageAsset("timeline.js", PackageResources.timeline_js),
        PageAsset("verdict.js", PackageResources.verdict_js),
        PageAsset("words.js", PackageResources.words_js),
    ]
}

extension WebServer {
    /// Whatever a device's text holds, nothing foreign may be loaded or run, and nobody may put the page in a frame
    /// and have its buttons pressed.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    static func addPage(_ router: Router<BasicRequestContext>) {
        for asset in PageAsset.all {
            let path = asset.name == "page.html" ? "/" : "/assets/" + asset.name
            router.get(RouterPath(path)) { request, _ in
                page(asset, known: request.headers[.ifNoneMatch])
            }
        }
    }

    private static func page(_ asset: PageAsset, known: String?) -> Response {
        var headers: HTTPFields = [
            .contentType: asset.type,
            .eTag: asset.tag,
            .cacheControl: "no-cache",
            .contentSecurityPolicy: policy,
            .xContentTypeOptions: "nosniff",
        ]
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        let tags = known?.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }
        guard tags?.contains(asset.tag[...]) != true else {
            return Response(status: .notModified, headers: headers)
        }
        return Response(
            status: .ok,
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: asset.bytes))
        )
    }
}
