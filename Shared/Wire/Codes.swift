// SPDX-License-Identifier: Apache-2.0
import Routing

extension BIRDCondition {
    var code: UInt64 {
        switch self {
        case .readable: 0
        case .noSocket: 1
        case .refused: 2
        case .forbidden: 3
        case .noAnswer: 4
        case .closed: 5
        case .shuttingDown: 6
        case .malformed: 7
        case .starting: 8
        case .noDirectory: 9
        case .backlogFull: 10
        case .noGreeting: 11
        case .reconfiguring: 12
        case .unrestricted: 13
        case .socketRemoved: 14
        }
    }

    var reason: String {
        if case .malformed(let reason) = self { return reason }
        return ""
    }

    init(code: UInt64) {
        self =
            switch code {
            case 0: .readable
            case 1: .noSocket
            case 2: .refused
            case 3: .forbidden
            case 4: .noAnswer
            case 5: .closed
            case 6: .shuttingDown
            case 7: .malformed("")
            case 8: .starting
            case 9: .noDirectory
            case 10: .backlogFull
            case 11: .noGreeting
            case 12: .reconfiguring
            case 13: .unrestricted
            case 14: .socketRemoved
            default: .malformed("condition \(code) of a newer agent")
            }
    }

    mutating func add(reason: String) {
        if case .malformed("") = self { self = .malformed(reason) }
    }
}

extension ExportAnswer {
    var code: UInt64 {
        switch self {
        case .unknown: 0
        case .sent: 1
        case .accepted: 2
        case .rejectedByFilter: 3
        case .notSent: 4
        case .notInTable: 5
        case .channelDown: 6
        }
    }

    var reason: String {
        if case .unknown(let reason) = self { return reason }
        return ""
    }

    init(code: UInt64) {
        self =
            switch code {
            case 0: .unknown("")
            case 1: .sent
            case 2: .accepted
            case 3: .rejectedByFilter
            case 4: .notSent
            case 5: .notInTable
            case 6: .channelDown
            default: .unknown("answer \(code) of a newer agent")
            }
    }

    mutating func add(reason: String) {
        if case .unknown("") = self { self = .unknown(reason) }
    }
}
