// SPDX-License-Identifier: Apache-2.0

/// Rows of one page by what names them, and what the page says of those after it.
package struct PageOf<Row: Sendable>: Sendable {
    package var rows: [String: Row]
    package var page: Page

    package init(rows: [String: Row], page: Page) {
        self.rows = rows
        self.page = page
    }
}

/// A list that is read page by page, put together and checked. A plain struct: pages in, the next request
/// or the end out.
///
/// A list is unstable between its pages, `nextLink` is spelled in several ways and left out by some, and
/// statistics may not be paged at all: so a full page is followed by another whatever it says, rows count
/// once, and a total that moved or that is not reached proves nothing.
package struct PagedList<Row: Sendable>: Sendable {
    package private(set) var rows: [String: Row] = [:]
    private let what: String
    private let size: Int
    private var total: Int?
    private var pages = 0

    /// 10,000 rows in pages of 100; past that paging does not end.
    private static var most: Int { 200 }

    package init(_ what: String, size: Int) {
        self.what = what
        self.size = size
    }

    package var query: String { "$top=\(size)&$skip=\(pages * size)" }

    /// True when there is another page to ask for.
    package mutating func take(_ next: PageOf<Row>) throws(BigIPRequestError) -> Bool {
        if let total, let now = next.page.totalItems, total != now {
            throw failure("the list changed while it was read")
        }
        total = total ?? next.page.totalItems
        let isNews = next.rows.keys.contains { rows[$0] == nil }
        rows.merge(next.rows) { _, new in new }
        pages += 1
        guard pages < Self.most else { throw failure("its pages do not end") }
        guard next.page.hasMore || next.rows.count == size else { return try ended() }
        guard !isNews else { return true }
        // The same page again: a unit that does not page this list, unless it says that there is more.
        guard !next.page.hasMore else {
            let isEmpty = next.rows.isEmpty
            throw failure(isEmpty ? "an empty page says that there is more" : "a page came twice")
        }
        return try ended()
    }

    private func ended() throws(BigIPRequestError) -> Bool {
        if let total, rows.count != total {
            throw failure("\(rows.count) of \(total) rows came")
        }
        return false
    }

    private func failure(_ words: String) -> BigIPRequestError {
        BigIPRequestError(description: "\(what): \(words)")
    }
}
