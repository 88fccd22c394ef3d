// Why a syscall stopped its program. Cases and texts are those of Agave's SyscallError, PubkeyError and (for
// memory) sbpf's EbpfError (https://github.com/anza-xyz/agave, syscalls/src/lib.rs); the text is what the
// transaction's log says after "Program … failed: ". Cases that Agave declares and no longer raises are left
// out.

import Ledger
import Primitives
import SBPF

package enum SyscallFailure: Error, Equatable, Sendable {
  /// An error that passes through as the instruction's own (`computationalBudgetExceeded` when units ran
  /// out).
  case instruction(InstructionError)
  /// A pointer argument reaches memory that the program does not have, or may not write.
  case accessViolation(AccessViolation)
  case unalignedPointer
  case invalidPointer
  case invalidLength
  case copyOverlapping
  case invalidString(UTF8Defect, bytes: [UInt8])
  case abort
  case panic(file: String, line: UInt64, column: UInt64)
  case badSeeds(ProgramAddressError)
  case tooManySlices
  case invalidAttribute
  case invalidPoseidonParameters
  case invalidPoseidonEndianness
  case returnDataTooLarge(byteCount: UInt64)
  case tooManySigners
  case programNotSupported(Pubkey)
  case maxInstructionDataLengthExceeded(byteCount: UInt64, limit: UInt64)
  case maxInstructionAccountsExceeded(count: UInt64, limit: UInt64)
  case maxInstructionAccountInfosExceeded(count: UInt64, limit: UInt64)
}

extension SyscallFailure {
  static let outOfUnits = SyscallFailure.instruction(.computationalBudgetExceeded)

  /// The error of the instruction whose program made the syscall.
  package var instructionError: InstructionError {
    if case .instruction(let error) = self { error } else { .programFailedToComplete }
  }

  /// What the log says after "Program … failed: "; `version` is the program's, which memory texts depend on.
  package func logText(version: SBPFVersion) -> String {
    switch self {
    case .instruction(let error): error.description
    case .accessViolation(let violation): violation.text(version: version)
    case .unalignedPointer: "Unaligned pointer"
    case .invalidPointer: "Invalid pointer"
    case .invalidLength: "InvalidLength"
    case .copyOverlapping: "Overlapping copy"
    case .invalidString(let defect, let bytes): "\(defect): \(bytes)"
    case .abort: "SBF program panicked"
    case .panic(let file, let line, let column): "SBF program Panicked in \(file) at \(line):\(column)"
    case .badSeeds(let defect): "Could not create program address with signer seeds: \(defect.logText)"
    case .tooManySlices: "Hashing too many sequences"
    case .invalidAttribute: "InvalidAttribute"
    case .invalidPoseidonParameters: "Invalid parameters."
    case .invalidPoseidonEndianness: "Invalid endianness."
    case .returnDataTooLarge(let byteCount):
      "Return data too large (\(byteCount) > \(TransactionContext.maximumReturnDataByteCount))"
    case .tooManySigners: "Too many signers"
    case .programNotSupported(let program): "Program \(program) not supported by inner instructions"
    case .maxInstructionDataLengthExceeded(let byteCount, let limit):
      "Invoked an instruction with data that is too large (\(byteCount) > \(limit))"
    case .maxInstructionAccountsExceeded(let count, let limit):
      "Invoked an instruction with too many accounts (\(count) > \(limit))"
    case .maxInstructionAccountInfosExceeded(let count, let limit):
      "Invoked an instruction with too many account info's (\(count) > \(limit))"
    }
  }
}

extension ProgramAddressError {
  /// Agave's sentence.
  fileprivate var logText: String {
    switch self {
    case .maxSeedLengthExceeded: "Length of the seed is too long for address generation"
    case .invalidSeeds: "Provided seeds do not result in a valid address"
    case .illegalOwner: "Provided owner is not allowed"
    }
  }
}
