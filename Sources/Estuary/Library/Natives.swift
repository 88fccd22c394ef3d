// What an embedding program adds to the runtime: syscalls that programs import, programs and contracts that are functions
// of the host's. Each is known to one chain alone and costs the others nothing.

import EVM
import Ledger
import Primitives
import Runtime
import SBPF

/// A chain's own syscalls, programs and contracts.
public struct Natives: Sendable {
  public var syscalls: [NativeSyscall] = []
  public var programs: [NativeProgram] = []
  public var contracts: [NativeContract] = []

  public init() {}
}

// MARK: - Contracts

/// A contract that is a function of the host's: a precompile at an address of your choice. A ledger that is made with it has
/// an account there whose code is one invalid opcode, so that Solidity's check for code finds some.
public struct NativeContract: Sendable {
  public let address: Address
  let function: NativeContracts.Function

  /// - Parameters:
  ///   - address: where it is; no precompile's.
  ///   - gas: what a call with this input costs beside the call itself. May be called from any thread, as `run`.
  ///   - run: the output for an input, the same whenever it is asked; `nil` fails the call, which costs all its gas.
  public init(
    at address: Address, gas: @escaping @Sendable (_ input: [UInt8]) -> UInt64,
    run: @escaping @Sendable (_ input: [UInt8]) -> [UInt8]?
  ) {
    self.address = address
    function = NativeContracts.Function(gas: gas, run: run)
  }
}

// MARK: - Programs

/// A program that is a function of the host's, as the system program is.
public struct NativeProgram: Sendable {
  public let key: Pubkey
  let builtin: Builtin

  /// - Parameters:
  ///   - key: where it is; none of the runtime's programs'.
  ///   - units: compute units of a call, at least 1.
  ///   - run: does what the instruction says; what it throws is the instruction's error. May be called from any thread; the
  ///     same instruction on the same accounts must do the same.
  public init(
    _ key: Pubkey, units: UInt64, run: @escaping @Sendable (NativeCall) throws(InstructionError) -> Void
  ) {
    self.key = key
    builtin = Builtin(id: key, cost: max(units, 1)) { (invoke) throws(InstructionError) in
      try run(NativeCall(invoke: invoke))
    }
  }
}

/// The instruction that a native program runs; good until the program returns.
public struct NativeCall {
  let invoke: InvokeContext

  /// The instruction's data.
  public var data: [UInt8] { invoke.transaction.current.map { Array($0.data) } ?? [] }
  public var accountCount: Int { invoke.transaction.current?.accountCount ?? 0 }

  /// The key of the account that the instruction names at `index`; throws `missingAccount` beyond its list, as all below.
  public func key(at index: Int) throws(InstructionError) -> Pubkey { try invoke.key(at: index) }

  public func isSigner(at index: Int) throws(InstructionError) -> Bool {
    try invoke.account(at: index).isSigner
  }

  public func isWritable(at index: Int) throws(InstructionError) -> Bool {
    try invoke.account(at: index).isWritable
  }

  /// The account as it is now.
  public func account(at index: Int) throws(InstructionError) -> Account {
    let account = try invoke.account(at: index)
    return Account(
      lamports: account.lamports, data: account.data, owner: account.owner,
      executable: account.isExecutable, rentEpoch: account.rentEpoch)
  }

  /// Replaces the data of an account that this program owns and the instruction may write.
  public func setData(_ data: [UInt8], at index: Int) throws(InstructionError) {
    try invoke.account(at: index).setData(data)
  }

  /// Moves lamports from an account that this program owns; both must be writable.
  public func move(_ lamports: UInt64, from source: Int, to target: Int) throws(InstructionError) {
    try invoke.account(at: source).subtractLamports(lamports)
    try invoke.account(at: target).addLamports(lamports)
  }

  /// Takes compute units beside those of the call.
  public func consume(_ units: UInt64) throws(InstructionError) { try invoke.consume(units) }

  /// Appends "Program log: " and `text` to the transaction's log.
  public func log(_ text: String) { invoke.log("Program log: \(text)") }
}

// MARK: - Syscalls

/// A function that programs import by its name, as `sol_log_`.
public struct NativeSyscall: Sendable {
  /// Called with the machine and r1–r5; returns r0. It cannot capture anything; its body goes through `with`:
  ///
  ///     NativeSyscall("host_sum") { machine, a, b, _, _, _ in
  ///       NativeSyscall.with(machine) { _ in a &+ b }
  ///     }
  public typealias Function =
    @convention(c) (UnsafeMutableRawPointer, UInt64, UInt64, UInt64, UInt64, UInt64) -> UInt64

  public let name: String
  let function: Function

  public init(_ name: String, _ function: @escaping Function) {
    (self.name, self.function) = (name, function)
  }

  /// Runs a syscall's body; what it throws stops the program.
  public static func with(
    _ machine: UnsafeMutableRawPointer, _ body: (Caller) throws(Failure) -> UInt64
  ) -> UInt64 {
    withInvoke(machine) { (machine, invoke) throws(SyscallFailure) in
      do throws(Failure) { return try body(Caller(machine: machine, invoke: invoke)) } catch {
        throw error.failure
      }
    }
  }

  /// Why a syscall stops its program.
  public struct Failure: Error {
    let failure: SyscallFailure

    init(_ failure: SyscallFailure) { self.failure = failure }

    /// Fails the instruction with this error.
    public init(_ error: InstructionError) { failure = .instruction(error) }
  }

  /// The program that made the syscall; good until the syscall returns.
  public struct Caller {
    let machine: Machine
    let invoke: InvokeContext

    /// Takes compute units; fails the program where there are too few.
    public func consume(_ units: UInt64) throws(Failure) {
      do throws(SyscallFailure) { try machine.consume(units) } catch { throw Failure(error) }
    }

    /// `count` bytes of the program's memory; fails it where it may not read them.
    public func bytes(at address: UInt64, count: UInt64) throws(Failure) -> [UInt8] {
      do throws(SyscallFailure) { return Array(try machine.slice(address, count: count)) } catch {
        throw Failure(error)
      }
    }

    /// Writes to the program's memory; fails it where it may not.
    public func store(_ bytes: [UInt8], at address: UInt64) throws(Failure) {
      do throws(SyscallFailure) {
        try machine.slice(address, count: UInt64(bytes.count), access: .store).copyBytes(from: bytes)
      } catch {
        throw Failure(error)
      }
    }

    /// Appends "Program log: " and `text` to the transaction's log.
    public func log(_ text: String) { invoke.log("Program log: \(text)") }
  }
}

// MARK: - Into a chain

extension Natives {
  /// What a ledger that is made now has at the programs' keys.
  var programAccounts: [Pubkey: Account] {
    Dictionary(
      programs.map {
        ($0.key, Account(lamports: 1, owner: ProgramID.nativeLoader, executable: true, rentEpoch: 0))
      }
    ) { first, _ in first }
  }

  /// What it has at the contracts' addresses.
  var contractAccounts: [EthereumGenesis.Account] {
    contracts.map { contract in
      var account = EthereumGenesis.Account(address: contract.address)
      (account.nonce, account.code) = (1, [Self.invalidOpcode])
      return account
    }
  }

  private static let invalidOpcode: UInt8 = 0xfe

  func functions() throws(ChainError) -> NativeContracts {
    var functions: [Address: NativeContracts.Function] = [:]
    for contract in contracts {
      let isPrecompile = EVM.Precompile.isReserved(contract.address)
      guard !isPrecompile, functions.updateValue(contract.function, forKey: contract.address) == nil else {
        throw .nativeExists("a contract at \(contract.address.checksummed)")
      }
    }
    return NativeContracts(functions)
  }

  func programCache() throws(ChainError) -> ProgramCache {
    var known = SyscallTable.registry(.all)
    for syscall in syscalls where !known.register(ifNew: syscall.name, syscall.function) {
      throw .nativeExists("a syscall '\(syscall.name)', or one with its hash")
    }
    var keys = Set(BuiltinAccounts.all.map(\.key))
    for program in programs where !keys.insert(program.key).inserted {
      throw .nativeExists("a program at \(program.key)")
    }
    return ProgramCache(
      additionalSyscalls: syscalls.map { ($0.name, $0.function) }, builtins: programs.map(\.builtin))
  }
}
