// Calls across for measuring (docs/crosscalls.md): single ones of something empty, beside a plain call of the same world; and a
// block of transfers that contracts have a program make between distinct people.

import CrossCalls
import EVM
import Execution
import Ledger
import Linking
import Primitives
import Runtime
import SBPF
import WideIntegers

package struct CrossingBench {
  package enum Kind: CaseIterable, Sendable {
    case contractToContract, contractToProgram, programToProgram, programToContract

    package var title: String {
      switch self {
      case .contractToContract: "a contract calls an empty contract"
      case .contractToProgram: "a contract calls an empty program"
      case .programToProgram: "a program invokes an empty program"
      case .programToContract: "a program calls an empty contract"
      }
    }
  }

  package enum Failure: Error, CustomStringConvertible {
    case failed(position: Int, error: String)

    package var description: String {
      switch self {
      case .failed(let position, let error): "transaction \(position + 1) of the block failed: \(error)"
      }
    }
  }

  private let replay: Replay

  private static let blockhash = Hash(word0: 5, word1: 6, word2: 7, word3: 8)
  private static let caller = Pubkey(word0: 1, word1: 2, word2: 3, word3: 4)
  private static let callee = Pubkey(word0: 2, word1: 2, word2: 3, word3: 4)
  private static let loop = Address(0x100b)
  private static let empty = Address(0xe3b7)
  private static let callSolana = BorderAddress.address(6)

  /// - Parameters:
  ///   - callCount: of each transaction, `[1, 60]`.
  ///   - count: of transactions.
  package init(_ kind: Kind, callCount: Int, count: Int) throws {
    let target = kind == .contractToContract ? Self.empty : Self.callSolana
    var ethereum = Self.genesis([(Self.loop, Self.looping(target)), (Self.empty, [0])])
    let payer = Ed25519.KeyPair(seed: SHA256.hash([7]))
    var accounts = try Self.program(Self.callee, "entrypoint:\nmov64 r0, 0\nexit")
    accounts += try Self.program(Self.caller, Self.invoking)
    accounts.append((payer.pubkey, Account(lamports: 1 << 50, owner: ProgramID.system)))
    var lines: [TransactionLine] = []
    for index in 0..<count {
      switch kind {
      case .contractToContract, .contractToProgram:
        let called = Instruction(programID: Self.callee, accounts: [], data: [])
        let call = kind == .contractToContract ? [] : Self.executing(called)
        let sender = Address(UInt256(UInt64(0x10_0000 + index)))
        ethereum.alloc.append(Self.funded(sender))
        lines.append(
          Self.line(UInt256(UInt64(callCount)).bigEndianBytes + call, to: Self.loop, from: sender, gas: 3_000_000))
      case .programToProgram, .programToContract:
        let called =
          kind == .programToProgram
          ? Instruction(programID: Self.callee, accounts: [], data: [])
          : Instruction(
            programID: ProgramID.ethereum,
            accounts: [AccountMeta(key: payer.pubkey, isSigner: true, isWritable: true)],
            data: EthereumInstruction.run(.init(.call(Self.empty)), catches: false).encode())
        let limit = ComputeBudgetProgram.setComputeUnitLimit(1_400_000 - UInt32(index))
        let builder = TransactionBuilder(
          payer: payer.pubkey, recentBlockhash: Self.blockhash,
          instructions: [limit, Self.repeating(called, payer.pubkey, callCount)])
        lines.append(.success(.solana(try builder.signed(by: [payer]).bytes)))
      }
    }
    replay = try Self.replay(lines, accounts, ethereum)
  }

  /// A block of `transferCount` transactions, each of another sender, who has a program move an amount between two accounts
  /// that nobody else uses, through one contract.
  package init(transferCount: Int) throws {
    var ethereum = Self.genesis([(Self.loop, Self.looping(Self.callSolana))])
    var accounts = try Self.program(Self.callee, Self.moving)
    var lines: [TransactionLine] = []
    for index in 0..<transferCount {
      let pair = (0..<2).map { Pubkey(word0: 100 + UInt64(index), word1: UInt64($0), word2: 5, word3: 6) }
      for key in pair {
        // As long as a token account.
        let data = [0, 0, 1] + [UInt8](repeating: 0, count: 162)
        accounts.append((key, Account(lamports: 1 << 32, data: data, owner: Self.callee)))
      }
      let called = Instruction(
        programID: Self.callee,
        accounts: pair.map { AccountMeta(key: $0, isSigner: false, isWritable: true) }, data: [7])
      let sender = Address(UInt256(UInt64(0x10_0000 + index)))
      ethereum.alloc.append(Self.funded(sender))
      lines.append(
        Self.line(UInt256(1).bigEndianBytes + Self.executing(called), to: Self.loop, from: sender, gas: 200_000))
    }
    replay = try Self.replay(lines, accounts, ethereum)
  }

  /// Executes the block on a fresh state.
  ///
  /// - Returns: nanoseconds, from bytes to receipts.
  /// - Throws: `Failure` where a transaction fails.
  package func run(on executor: any BlockExecutor) throws -> UInt64 {
    let outcome = try replay.run(executor: executor)
    if let position = outcome.receipts.firstIndex(where: { !$0.isSuccess }) {
      throw Failure.failed(position: position, error: outcome.receipts[position].failure.kind)
    }
    return outcome.timing.elapsedNanoseconds
  }

  // MARK: Ethereum's

  private static func genesis(_ contracts: [(Address, [UInt8])]) -> EthereumGenesis {
    var genesis = EthereumGenesis.funded()
    genesis.gasLimit = 1 << 50
    for (address, code) in contracts {
      var account = EthereumGenesis.Account(address: address)
      (account.code, account.nonce) = (code, 1)
      genesis.alloc.append(account)
    }
    return genesis
  }

  private static func funded(_ address: Address) -> EthereumGenesis.Account {
    var account = EthereumGenesis.Account(address: address)
    account.balance = UInt256(low: 0, high: 1)
    return account
  }

  private static func line(_ data: [UInt8], to: Address, from sender: Address, gas: UInt64) -> TransactionLine {
    let transaction = EthereumTransaction(
      kind: .dynamicFee, chainID: EthereumGenesis.funded().chainID, nonce: 0, maxPriorityFeePerGas: 1,
      maxFeePerGas: UInt256(1 << 40), gasLimit: gas, to: to, data: data)
    return .success(.ethereum(EthereumWire(transaction.encoded, sender: sender)))
  }

  /// Calls `target` as often as the first word of its calldata says with what stands behind it; reverts if a call fails.
  private static func looping(_ target: Address) -> [UInt8] {
    // calldatacopy(0, 32, size − 32); count; loop: call; count − 1
    [0x60, 32, 0x36, 0x03, 0x60, 32, 0x5f, 0x37, 0x5f, 0x35, 0x5b, 0x5f, 0x5f, 0x60, 32, 0x36, 0x03, 0x5f, 0x5f, 0x73]
      + target.bytes + [0x5a, 0xf1, 0x15, 0x60, 55, 0x57, 0x60, 1, 0x90, 0x03, 0x80, 0x60, 10, 0x57, 0x00]
      + [0x5b, 0x5f, 0x5f, 0xfd]
  }

  /// Calldata of `execute(bytes)`.
  private static func executing(_ instruction: Instruction) -> [UInt8] {
    var encoded = instruction.programID.bytes + words([UInt64(instruction.accounts.count)])
    for meta in instruction.accounts {
      encoded += meta.key.bytes + [meta.isSigner ? 1 : 0, meta.isWritable ? 1 : 0]
    }
    encoded += words([UInt64(instruction.data.count)]) + instruction.data
    return [0x09, 0xc5, 0xea, 0xbe] + UInt256(32).bigEndianBytes + UInt256(UInt64(encoded.count)).bigEndianBytes
      + encoded + [UInt8](repeating: 0, count: (32 - encoded.count % 32) % 32)
  }

  // MARK: Solana's

  private static func program(_ id: Pubkey, _ text: String) throws -> [(key: Pubkey, account: Account)] {
    let elf = try ObjectLinker.executable(try Assembler.assemble(text, version: .v3))
    let made = UpgradeableProgram.accounts(programID: id, elf: elf, rent: Rent())
    return [(id, made.program), made.programData]
  }

  private static func replay(
    _ lines: [TransactionLine], _ accounts: [(key: Pubkey, account: Account)], _ ethereum: EthereumGenesis
  ) throws -> Replay {
    var ethereum = ethereum
    ethereum.alloc.sort { $0.address < $1.address }
    var replay = Replay(
      genesis: try Genesis(
        slot: 1, unixTimestamp: 0, blockhash: blockhash, accounts: accounts, ethereum: ethereum),
      transactions: BlockTransactions(lines))
    replay.verifiesSignatures = false
    return replay
  }

  /// Moves an amount (data byte 0) from the first account's data to the second's.
  private static let moving = """
    entrypoint:
      ldxb r7, [r2+0]
      ldxdw r3, [r1+96]
      sub64 r3, r7
      stxdw [r1+96], r3
      ldxdw r3, [r1+10600]
      add64 r3, r7
      stxdw [r1+10600], r3
      mov64 r0, 0
      exit
    """

  /// Copies its data to the heap, and makes the call there as often as the first word says.
  private static let invoking = """
    entrypoint:
      mov64 r6, 3
      lsh64 r6, 32
      mov64 r1, r6
      ldxdw r3, [r2-8]
      call sol_memcpy_
      ldxdw r7, [r6+0]
    loop:
      ldxdw r1, [r6+8]
      ldxdw r2, [r6+16]
      ldxdw r3, [r6+24]
      mov64 r4, 0
      mov64 r5, 0
      call sol_invoke_signed_c
      sub64 r7, 1
      jne r7, 0, loop
      mov64 r0, 0
      exit
    """

  private static func words(_ words: [UInt64]) -> [UInt8] {
    words.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
  }

  /// An instruction of the program above: four words, then the call with pointers to where the heap has them.
  private static func repeating(_ called: Instruction, _ payer: Pubkey, _ count: Int) -> Instruction {
    let (heap, input): (UInt64, UInt64) = (0x3_0000_0000, 0x4_0000_0008)
    let (infos, call, program) = (heap + 32, heap + 88, heap + 128)
    let (metas, data) = (heap + 160, heap + 176)
    var bytes = words([UInt64(count), call, infos, 1])
    // Key, lamports, length, data, owner, rent epoch, flags of the payer as the input has them.
    bytes += words([input + 8, input + 72, 0, input + 88, input + 40, 0]) + [1, 1, 0, 0, 0, 0, 0, 0]
    bytes += words([program, metas, UInt64(called.accounts.count), data, UInt64(called.data.count)])
    bytes += called.programID.bytes + words([input + 8]) + [1, 1, 0, 0, 0, 0, 0, 0] + called.data
    return Instruction(
      programID: caller,
      accounts: [
        AccountMeta(key: payer, isSigner: true, isWritable: true),
        AccountMeta(key: called.programID, isSigner: false, isWritable: false),
      ], data: bytes)
  }
}
