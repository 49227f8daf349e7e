// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB

/// The database file, opened: one collector's at a time.
struct StoreFile: Sendable {
    let pool: DatabasePool
    /// What it held when it was opened.
    let memory: Store.Memory
    /// It could not be read, and begins anew.
    let wasDamaged: Bool
    /// Held as long as the process lives: a lock goes with its process, however that ends.
    private let lock: FileHandle

    /// One that another program holds is waited for so long, seconds: a backup reads for less.
    private static let patience: Double = 2

    init(path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        if !folder.isEmpty {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o750]
            )
        }
        lock = try Self.lock(path)
        (pool, memory, wasDamaged) = try Self.open(path)
    }

    private static func open(
        _ path: String
    ) throws -> (DatabasePool, Store.Memory, wasDamaged: Bool) {
        func pool() throws -> DatabasePool {
            try DatabasePool(path: path, migratedBy: Schema.migrator, patience: patience)
        }
        do {
            let pool = try pool()
            return (pool, try pool.read { db in try Store.Memory(from: db) }, false)
        } catch let error as DatabaseError
            where [.SQLITE_NOTADB, .SQLITE_CORRUPT].contains(error.resultCode)
        {
            try moveAside(path)
            return (try pool(), Store.Memory(), true)
        }
    }

    func release() { try? lock.close() }

    /// What cannot be read any more is kept for whoever can: the incidents begin anew.
    static func moveAside(_ path: String) throws {
        for suffix in ["", "-wal", "-shm"]
        where FileManager.default.fileExists(atPath: path + suffix) {
            let name = path + ".damaged" + suffix
            try? FileManager.default.removeItem(atPath: name)
            try FileManager.default.moveItem(atPath: path + suffix, toPath: name)
        }
    }

    private static func lock(_ path: String) throws -> FileHandle {
        let name = path + ".lock"
        let descriptor = Glibc.open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw StoreError(path: name, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let problem = errno
            close(descriptor)
            guard problem == EWOULDBLOCK else {
                throw StoreError(path: name, reason: String(cString: strerror(problem)))
            }
            throw StoreError(
                path: path,
                reason: "another collector keeps its incidents there",
                isInUse: true
            )
        }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}

extension DatabasePool {
    convenience init(
        path: String,
        migratedBy migrator: DatabaseMigrator,
        patience: Double
    ) throws {
        var configuration = GRDB.Configuration()
        configuration.busyMode = .timeout(patience)
        configuration.maximumReaderCount = 2
        configuration.prepareDatabase { db in
            guard !db.configuration.readonly else { return }
            // What an operating system loses when its power goes is a last second; a killed collector loses nothing.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            // Some bursts of a fleet; a longer one is cut when it is written back.
            try db.execute(sql: "PRAGMA journal_size_limit = 16777216")
            try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
        }
        try self.init(path: path, configuration: configuration)
        if try read(migrator.hasBeenSuperseded) {
            throw StoreError(path: path, reason: "a newer version of podpath has written it")
        }
        try migrator.migrate(self)
        try read { db in
            guard try String.fetchOne(db, sql: "PRAGMA quick_check(1)") == "ok" else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT)
            }
        }
    }
}
