// A ledger with script contracts, a funded vault, programs and token accounts; a list of Ethereum's transactions is
// executed on it by every executor, without and with the access sets that the emulator makes, and has to come out the same.

import Contracts
import CrossCalls
import EVM
import Foundation
import Ledger
import Primitives
import Runtime
import SBPF
import Testing
import WideIntegers

@testable import Estuary
@testable import Execution

struct CrossCallRig {
  static let callSolana = BorderAddress.address(6)
  static let queryAccount = BorderAddress.address(2)
  static let nativeToken = BorderAddress.address(3)
  static let splToken = BorderAddress.address(4)
  static let metaplex = BorderAddress.address(5)
  static let solanaNative = BorderAddress.address(7)

  static let sender = Address(0x1001)
  /// Script contracts; the first has wei of its own.
  static let contracts = [Address(0xc0de), Address(0xc0df), Address(0xc0e0)]
  static let vaultLamports: UInt64 = 1_000_000_000_000
  static let ether = UInt256(1_000_000_000_000_000_000)

  var accounts: [(key: Pubkey, account: Account)] = [
    (Vault.key, Account(lamports: vaultLamports, owner: ProgramID.system))
  ]
  var gasLimit: UInt64 = 30_000_000
  var senders = [sender]

  /// The genesis' block has a small base fee that is burned.
  func genesis() throws -> Genesis {
    var ethereum = EthereumGenesis(chainID: 1337, fork: "Cancun", baseFeePerGas: 7, coinbase: Address(0xfee))
    ethereum.gasLimit = 1 << 40
    for (index, address) in Self.contracts.enumerated() {
      var account = EthereumGenesis.Account(address: address)
      (account.code, account.nonce, account.balance) = (
        ScriptContract.code, 1, index == 0 ? Self.ether : .zero
      )
      ethereum.alloc.append(account)
    }
    for sender in senders {
      var account = EthereumGenesis.Account(address: sender)
      account.balance = Self.ether &* 100
      ethereum.alloc.append(account)
    }
    ethereum.alloc.sort { $0.address < $1.address }
    return try Genesis(
      slot: 5, unixTimestamp: 1_700_000_000, blockhash: .zero, accounts: accounts, ethereum: ethereum)
  }

  struct Sent {
    var steps: [ScriptContract.Step] = []
    var data: [UInt8]?
    /// `nil` creates a contract of `data`.
    var to: Address? = contracts[0]
    var value = UInt256.zero
    var sender = CrossCallRig.sender
    var gasLimit: UInt64?

    init(
      _ steps: [ScriptContract.Step], to: Address = contracts[0], value: UInt256 = .zero,
      sender: Address = CrossCallRig.sender, gasLimit: UInt64? = nil
    ) {
      (self.steps, self.to, self.value, self.sender, self.gasLimit) = (steps, to, value, sender, gasLimit)
    }

    init(
      data: [UInt8], to: Address?, value: UInt256 = .zero, sender: Address = CrossCallRig.sender, gasLimit: UInt64? = nil
    ) {
      (self.data, self.to, self.value, self.sender, self.gasLimit) = (data, to, value, sender, gasLimit)
    }
  }

  struct Outcome {
    var results: [EthereumTransactionResult]
    var chain: Chain

    /// What the calls of the transaction at `index` came to.
    func calls(_ index: Int = 0) -> [ScriptContract.CallResult] {
      ScriptContract.results(results[index].output)
    }
    func account(_ key: Pubkey) throws -> Account? { try chain.account(key) }
    func balance(_ address: Address) throws -> UInt256 {
      try chain.ethereumAccount(address)?.balance ?? .zero
    }
  }

  static func executors() throws -> [any BlockExecutor] {
    [
      try LockExecutor(workerCount: 1), try LockExecutor(workerCount: 3),
      SerialExecutor(engine: .interpreter),
      try LockExecutor(workerCount: 1, alwaysInWaves: true),
      try LockExecutor(workerCount: 2, alwaysInWaves: true),
      try LockExecutor(workerCount: 4, alwaysInWaves: true, waveSize: 4),
      try ScheduledExecutor(RandomScheduler(workerCount: 3), contracts: .none),
    ]
  }

  func wires(_ sent: [Sent]) -> [EthereumWire] {
    var nonces: [Address: UInt64] = [:]
    return sent.map { sent in
      let nonce = nonces[sent.sender, default: 0]
      nonces[sent.sender] = nonce + 1
      let transaction = EthereumTransaction(
        kind: .dynamicFee, chainID: 1337, nonce: nonce, maxPriorityFeePerGas: 2, maxFeePerGas: 20,
        gasLimit: sent.gasLimit ?? gasLimit, to: sent.to, value: sent.value,
        data: sent.data ?? ScriptContract.script(sent.steps))
      return EthereumWire(transaction.encoded, sender: sent.sender)
    }
  }

  /// - Parameter lines: beside the transactions, in front of them.
  @discardableResult func run(
    _ sent: [Sent], sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let genesis = try genesis()
    let wires = wires(sent)
    func run(_ wires: [EthereumWire], on executor: any BlockExecutor) throws -> Replay.Outcome {
      var replay = Replay(
        genesis: genesis, transactions: BlockTransactions(wires.map { .success(.ethereum($0)) }))
      replay.verifiesSignatures = false
      return try replay.run(executor: executor)
    }
    let expected = try run(wires, on: SerialExecutor())
    let bound = try bind(wires, genesis, expected.receipts.ethereum, sourceLocation)
    for executor in try Self.executors() {
      for (wires, text) in [(wires, "derived"), (bound, "declared")] {
        let outcome = try run(wires, on: executor)
        let place: Comment = "\(executor.name), \(executor.workerCount) workers, \(text)"
        #expect(outcome.receipts == expected.receipts, place, sourceLocation: sourceLocation)
        #expect(outcome.stateHash == expected.stateHash, place, sourceLocation: sourceLocation)
      }
    }
    return Outcome(results: expected.receipts.ethereum, chain: expected.chain)
  }

  /// The transactions with the emulator's sets; what the emulator says of each has to be what came of it.
  private func bind(
    _ wires: [EthereumWire], _ genesis: Genesis, _ results: [EthereumTransactionResult],
    _ location: SourceLocation
  ) throws -> [EthereumWire] {
    let chain = try Chain(
      store: MemoryStore(), genesis: genesis, executor: SerialExecutor(), progress: .fixed)
    let emulator = try #require(try chain.emulator())
    var bound = wires
    for (position, wire) in wires.enumerated() {
      let transaction = try EthereumTransaction(decoding: wire.bytes)
      let emulation = try emulator.run(transaction, from: try #require(wire.sender), checks: .all)
      #expect(emulation.receipt.gasUsed == results[position].gasUsed, sourceLocation: location)
      #expect(emulation.receipt.output == results[position].output, sourceLocation: location)
      #expect(emulation.receipt.isSuccess == results[position].isSuccess, sourceLocation: location)
      bound[position].access = emulation.accessSet
      emulator.apply(emulation)
    }
    return bound
  }

  // MARK: Calldata

  enum Argument {
    case key(Pubkey)
    case address(Address)
    case number(UInt256)
    case bytes([UInt8])
    case instruction(Instruction)
  }

  /// Calldata of a function, encoded by the ABI's rules.
  static func data(_ signature: String, _ arguments: Argument...) throws -> [UInt8] {
    try data(signature, arguments)
  }

  static func data(_ signature: String, _ arguments: [Argument]) throws -> [UInt8] {
    let item = try ABIItem(signature: signature)
    return item.selector + (try item.inputs.encode(arguments.map(\.value)))
  }

  /// An instruction as bytes (bincode of Solana's Instruction).
  static func encoded(_ instruction: Instruction) -> [UInt8] {
    func u64(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt64(value).littleEndian) { Array($0) } }
    return instruction.programID.bytes + u64(instruction.accounts.count)
      + instruction.accounts.flatMap { $0.key.bytes + [$0.isSigner ? 1 : 0, $0.isWritable ? 1 : 0] }
      + u64(instruction.data.count) + instruction.data
  }

  static func key(_ kind: ContractIdentity.Kind, _ address: Address = contracts[0], salt: Pubkey = .zero)
    -> Pubkey
  {
    ContractIdentity(kind, of: address, salt: salt).key()
  }

  static func salt(_ number: UInt64) -> Pubkey {
    Pubkey(word0: 0, word1: 0, word2: 0, word3: number.bigEndian)
  }

  static func system(_ instruction: SystemInstruction, _ accounts: [AccountMeta]) -> Instruction {
    Instruction(programID: ProgramID.system, accounts: accounts, data: instruction.encode())
  }

  static func word(_ value: UInt64) -> [UInt8] { UInt256(value).bigEndianBytes }
}

extension CrossCallRig.Argument {
  fileprivate var value: ABIValue {
    switch self {
    case .key(let key): .bytes(key.bytes)
    case .address(let address): .address(address)
    case .number(let number): .uint(number)
    case .bytes(let bytes): .bytes(bytes)
    case .instruction(let instruction):
      .list([
        .bytes(instruction.programID.bytes),
        .list(
          instruction.accounts.map {
            .list([.bytes($0.key.bytes), .bool($0.isSigner), .bool($0.isWritable)])
          }),
        .bytes(instruction.data),
      ])
    }
  }
}

extension AccountMeta {
  init(_ key: Pubkey, signer: Bool = false, writable: Bool = false) {
    self.init(key: key, isSigner: signer, isWritable: writable)
  }
}
