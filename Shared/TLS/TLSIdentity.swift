// SPDX-License-Identifier: Apache-2.0
import COpenSSL
import Glibc

/// A side's context, made anew when its files change; sessions that run keep the one they began
/// with, so nothing is dropped.
package struct TLSIdentity {
    package enum Change: Equatable {
        case none
        case renewed
        /// The new files cannot be used: the old identity stands, until they change again.
        case refused(String)
    }

    private let side: TLSContext.Side
    private let files: TLSFiles
    private var seen: [FileMark?]
    package private(set) var context: TLSContext

    package init(_ side: TLSContext.Side, files: TLSFiles) throws(TLSError) {
        self.side = side
        self.files = files
        // Before they are read: a change meanwhile is seen the next time.
        seen = Self.marks(files)
        context = try TLSContext(side, files: files)
    }

    /// Looks at the files, and reads them if they are not those of the last time.
    ///
    /// A certificate and its key are two files: between their writing they do not fit, and the
    /// second makes another change.
    package mutating func refresh() -> Change {
        let marks = Self.marks(files)
        guard marks != seen else { return .none }
        seen = marks
        do throws(TLSError) {
            context = try TLSContext(side, files: files)
            return .renewed
        } catch {
            return .refused(error.description)
        }
    }

    private static func marks(_ files: TLSFiles) -> [FileMark?] {
        files.all.map(FileMark.init)
    }
}

/// Tells one content of a path from the next; behind links, as Kubernetes swaps them for mounted
/// secrets.
private struct FileMark: Equatable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    init?(_ path: String) {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        device = information.st_dev
        inode = information.st_ino
        size = information.st_size
        seconds = information.st_mtim.tv_sec
        nanoseconds = information.st_mtim.tv_nsec
    }
}
