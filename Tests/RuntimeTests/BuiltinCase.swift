// One line of Tests/Cases/builtins.jsonl: an instruction of a native program, the accounts it meets, and what
// Agave's runtime (LiteSVM) made of it. Tools/oracle/builtin_cases.py writes the file.

import Foundation
import Ledger
import Primitives
import Testing

@testable import Runtime

struct BuiltinCase: CustomTestStringConvertible, Sendable {
  let name: String
  let slot: UInt64
  let blockhash: Hash
  let program: Pubkey
  private(set) var data: [UInt8]
  let accounts: [(key: Pubkey, isSigner: Bool, isWritable: Bool)]
  let state: [(key: Pubkey, account: Account)]
  let error: InstructionError?
  let computeUnits: UInt64
  let logs: [String]
  /// `nil` for an account that is gone.
  let post: [(key: Pubkey, account: Account?)]

  var testDescription: String { name }

  static let payer = all.first?.state.first?.key ?? .zero

  static let all: [BuiltinCase] = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Cases/builtins.jsonl")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").compactMap { line in
      (try? JSONValue.parse(String(line))).flatMap { BuiltinCase($0) }
    }
  }()

  init?(_ json: JSONValue) {
    guard let name = json["name"]?.string, let slot = json["slot"]?.uint64, json["checked"]?.bool == true,
      let blockhash = json["blockhash"]?.string.flatMap({ Hash(base58: $0) }),
      let program = json["program"]?.string.flatMap({ Pubkey(base58: $0) }),
      let data = json["data"]?.string.flatMap({ Hex.decode($0) }), let units = json["computeUnits"]?.uint64,
      let named = json["accounts"]?.array, let logs = json["logs"]?.array,
      let state = json["state"]?.object, let post = json["post"]?.object
    else { return nil }
    self.name = name
    self.slot = slot
    self.blockhash = blockhash
    self.program = program
    self.data = data
    computeUnits = units
    self.logs = logs.compactMap(\.string)
    accounts = named.compactMap { entry in
      guard let pair = entry.array, pair.count == 2, let flags = pair[1].string else { return nil }
      return pair[0].string.flatMap { Pubkey(base58: $0) }.map {
        ($0, flags.contains("s"), flags.contains("w"))
      }
    }
    self.state = state.members.compactMap { member in
      guard let key = Pubkey(base58: member.name), let account = Self.account(member.value) else {
        return nil
      }
      return (key, account)
    }
    self.post = post.members.compactMap { member in
      Pubkey(base58: member.name).map { ($0, Self.account(member.value)) }
    }
    guard let value = json["error"] else { return nil }
    if value.isNull {
      error = nil
    } else if let number = value["Custom"]?.uint64 {
      error = .custom(UInt32(truncatingIfNeeded: number))
    } else if let known = value.string.flatMap({ Self.errors[$0] }) {
      error = known
    } else {
      return nil
    }
  }

  /// The same instruction with other data, of which nothing is expected.
  init(_ original: BuiltinCase, data: [UInt8]) {
    self = original
    self.data = data
  }

  private static func account(_ json: JSONValue) -> Account? {
    guard let lamports = json["lamports"]?.uint64,
      let data = json["data"]?.string.flatMap({ Hex.decode($0) }),
      let owner = json["owner"]?.string.flatMap({ Pubkey(base58: $0) }),
      let executable = json["executable"]?.bool
    else { return nil }
    return Account(lamports: lamports, data: data, owner: owner, executable: executable)
  }

  private static let errors: [String: InstructionError] = [
    "InvalidArgument": .invalidArgument, "InvalidInstructionData": .invalidInstructionData,
    "InvalidAccountData": .invalidAccountData, "AccountDataTooSmall": .accountDataTooSmall,
    "InsufficientFunds": .insufficientFunds, "IncorrectProgramId": .incorrectProgramId,
    "MissingRequiredSignature": .missingRequiredSignature, "MissingAccount": .missingAccount,
    "AccountAlreadyInitialized": .accountAlreadyInitialized, "ModifiedProgramId": .modifiedProgramId,
    "ExternalAccountLamportSpend": .externalAccountLamportSpend,
    "ReadonlyLamportChange": .readonlyLamportChange,
    "ExternalAccountDataModified": .externalAccountDataModified,
    "ReadonlyDataModified": .readonlyDataModified,
    "AccountDataSizeChanged": .accountDataSizeChanged, "AccountBorrowFailed": .accountBorrowFailed,
    "ExecutableAccountNotRentExempt": .executableAccountNotRentExempt, "Immutable": .immutable,
    "UnsupportedProgramId": .unsupportedProgramId, "InvalidRealloc": .invalidRealloc,
    "PrivilegeEscalation": .privilegeEscalation, "IncorrectAuthority": .incorrectAuthority,
    "InvalidAccountOwner": .invalidAccountOwner, "ArithmeticOverflow": .arithmeticOverflow,
  ]
}

/// An invoke context with a case's accounts in it, about to run the case's instruction.
struct BuiltinStage {
  let invoke: InvokeContext
  static let units: UInt64 = 400_000

  init(_ test: BuiltinCase, data: [UInt8]? = nil) throws {
    let program = test.program
    let sysvars = try Sysvars(slot: test.slot, unixTimestamp: 0, blockhash: test.blockhash)
    invoke = InvokeContext(
      environment: ExecutionEnvironment(slot: test.slot, blockhash: test.blockhash, sysvars: sysvars))
    var keys = [BuiltinCase.payer]
    for account in test.accounts where !keys.contains(account.key) { keys.append(account.key) }
    if !keys.contains(program) { keys.append(program) }
    invoke.reset(
      accountCount: keys.count, blockhash: test.blockhash, units: Self.units, heapByteCount: 32 * 1024,
      collectsLogs: true)
    let transaction = invoke.transaction
    transaction.accountCount = keys.count
    for (index, key) in keys.enumerated() {
      transaction.keys[index] = key
      transaction.accounts[index] = Self.account(key, test, sysvars)
    }
    let frame = transaction.trace[0]
    frame.programIndex = keys.firstIndex(of: program) ?? 0
    (data ?? test.data).withUnsafeBytes { frame.setData($0) }
    frame.topLevelIndex = 0
    let accounts = test.accounts.map { account in
      // Privileges belong to the key: what one mention grants, every mention has. The fee payer has both.
      let mentions = test.accounts.filter { $0.key == account.key }
      let pays = account.key == BuiltinCase.payer
      return InstructionAccount(
        indexInTransaction: keys.firstIndex(of: account.key) ?? 0,
        isSigner: pays || mentions.contains { $0.isSigner },
        isWritable: pays || mentions.contains { $0.isWritable })
    }
    frame.setAccounts(accounts)
  }

  private static func account(_ key: Pubkey, _ test: BuiltinCase, _ sysvars: Sysvars) -> Account {
    if let held = test.state.first(where: { $0.key == key }) { return held.account }
    if let builtin = BuiltinAccounts.all.first(where: { $0.key == key }) { return builtin.account }
    if let data = sysvars.accountData(key) {
      return Account(lamports: 1, data: data, owner: ProgramID.sysvar, rentEpoch: 0)
    }
    return .empty
  }

  /// Runs the instruction; its error, or `nil`.
  func run() -> InstructionError? {
    do throws(InstructionError) {
      try invoke.processInstruction()
      return nil
    } catch {
      return error
    }
  }

  /// Cannot overflow: a sum of at most 256 numbers.
  var totalLamports: UInt128 {
    (0..<invoke.transaction.accountCount).reduce(0) { $0 + UInt128(invoke.transaction.accounts[$1].lamports) }
  }

  func account(_ key: Pubkey) -> Account? {
    invoke.transaction.index(of: key).map { invoke.transaction.accounts[$0] }
  }
}
