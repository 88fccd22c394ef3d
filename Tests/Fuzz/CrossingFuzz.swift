// libFuzzer target for what crosses: the first byte chooses an address of the border, whose calldata the others are, or the EVM
// program, whose instruction's data they are. Demanded beyond not crashing: no more gas is used than there is, and lamports and
// wei are conserved to the unit, whatever comes of the call.
import CrossCalls
import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import WideIntegers

// libFuzzer calls from one thread.
nonisolated(unsafe) private let stage = Stage.make()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0 else { return 0 }
  let input = UnsafeRawBufferPointer(UnsafeBufferPointer(start: start + 1, count: count - 1))
  stage.run(start[0], input)
  return 0
}

/// A ledger in memory with what calls can find.
private final class Stage: ProgramAccountSource {
  private static let caller = Address(0xca11)
  private static let signer = Pubkey(word0: 1, word1: 2, word2: 3, word3: 4)
  private static let gas: UInt64 = 3_000_000

  private let host: EVMHost
  private let session: CrossCallSession
  private let processor: InstructionProcessor
  private let world = EVMWorld()
  private var accounts: [Pubkey: Account] = [:]
  /// Of an account that the processor asks for.
  private let place = UnsafeMutablePointer<Account>.allocate(capacity: 1)

  static func make() -> Stage {
    do { return try Stage() } catch { fatalError("\(error)") }
  }

  private init() throws {
    place.initialize(to: .empty)
    for (key, account) in BuiltinAccounts.all { accounts[key] = account }
    let sysvars = try Sysvars(slot: 5, unixTimestamp: 1_700_000_000, blockhash: .zero)
    for (key, account) in sysvars.accounts { accounts[key] = account }
    let environment = ExecutionEnvironment(slot: 5, blockhash: .zero, sysvars: sysvars)
    let programs = EVMProgramCache()
    host = try EVMHost(programs: programs, engine: .interpreter)
    session = CrossCallSession(environment: environment, engine: .interpreter)
    processor = InstructionProcessor(environment: environment, engine: .interpreter)
    host.border = session
    for address in [Self.caller, SignerIdentity.address(of: Self.signer)] {
      world.insert(address, balance: UInt256(1_000_000_000_000_000_000), nonce: 0, code: .empty, storage: [:])
      accounts[ContractIdentity(.contract, of: address).key()] = Account(lamports: 50_000_000, owner: ProgramID.system)
    }
    accounts[Vault.key] = Account(lamports: 5_000_000_000, owner: ProgramID.system)
    accounts[Self.signer] = Account(lamports: 7_000_000_000, owner: ProgramID.system)
  }

  func programAccount(_ key: Pubkey) throws(EVMStateError) -> LoadedAccount { .owned(accounts[key] ?? .empty) }

  func run(_ kind: UInt8, _ input: UnsafeRawBufferPointer) {
    session.beginSolana(reading: self, on: host.beyond)
    host.beginSolana(reader: world, block: BlockEnvironment(fork: .latest), origin: Self.caller)
    do {
      var published: [Pubkey: Account] = [:]
      if kind % 8 < 6 {
        let request = BorderRequest(
          kind & 0x80 == 0 ? .call(BorderAddress.address(2 + kind % 8)) : .staticCall(BorderAddress.address(2 + kind % 8)),
          from: Self.caller, value: kind & 0x40 == 0 ? .zero : UInt256(3_000_000_000), gas: .max, input: input)
        let result = try host.beyond.perform(request, available: Self.gas)
        guard result.gasUsed <= Self.gas else { fatalError("\(result.gasUsed) gas used") }
      } else {
        let instruction = Instruction(
          programID: ProgramID.ethereum,
          accounts: [
            AccountMeta(key: Self.signer, isSigner: true, isWritable: kind & 0x40 == 0),
            AccountMeta(key: ContractIdentity(.payer, of: Self.caller).key(), isSigner: false, isWritable: true),
          ], data: Array(input))
        let outcome = processor.run(
          instruction, ethereum: session, units: Self.gas, dataGrowth: 0,
          load: { key in
            place.pointee = key == ProgramID.ethereum ? EthereumProgramAccount.account : accounts[key] ?? .empty
            return AccountPlace(place)
          }, publish: { published[$0] = $1.pointee })
        guard let outcome, outcome.computeUnits <= Self.gas else { fatalError("\(outcome?.computeUnits ?? 0) units used") }
        // What fails is taken back by whoever runs the transaction.
        if outcome.error != nil { return }
      }
      try checkSums(published)
    } catch { fatalError("\(error)") }
  }

  private func checkSums(_ published: [Pubkey: Account]) throws {
    var changed: [Pubkey: Account] = [:]
    try session.forEachChange { changed[$0] = $1 ?? .empty }
    changed.merge(published) { $1 }
    func lamports(_ key: Pubkey) -> Int { Int(accounts[key]?.lamports ?? 0) }
    let difference = changed.reduce(0) { $0 + Int($1.value.lamports) - lamports($1.key) }
    guard difference == 0 else { fatalError("\(difference) lamports made") }
    let vault = Int(changed[Vault.key]?.lamports ?? UInt64(lamports(Vault.key))) - lamports(Vault.key)
    var (before, after) = (UInt256.zero, UInt256.zero)
    for change in try host.finish().accounts {
      before = before &+ (world.account(change.address)?.balance ?? .zero)
      after = after &+ (change.account?.balance ?? .zero)
    }
    // Lamports that came into the vault are wei; what destroyed contracts keep is burned.
    let moved = UInt256(UInt64(vault.magnitude)) &* UInt256(Vault.weiPerLamport)
    let expected = vault >= 0 ? before &+ moved : before &- moved
    guard after <= expected else { fatalError("\(after &- expected) wei made") }
  }
}
