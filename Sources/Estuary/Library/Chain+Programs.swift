// Solana's side for another program: accounts that pay, transactions, programs.

import Execution
import Ledger
import Linking
import Primitives
import Runtime
import SBPF

extension Instruction {
  /// Moves lamports; `source` signs.
  public static func transfer(from source: Pubkey, to target: Pubkey, lamports: UInt64) -> Instruction {
    System.transfer(from: source, to: target, lamports: lamports)
  }

  /// Makes an account of `byteCount` zero bytes that `owner` may write; both keys sign.
  ///
  /// - Parameters:
  ///   - key: the account's.
  ///   - payer: whose lamports it gets.
  ///   - lamports: at least `Chain.minimumBalance(dataByteCount:)`.
  ///   - byteCount: `[0, 10 MiB]`.
  ///   - owner: a program.
  public static func createAccount(
    _ key: Pubkey, payer: Pubkey, lamports: UInt64, byteCount: UInt64, owner: Pubkey
  ) -> Instruction {
    System.createAccount(from: payer, to: key, lamports: lamports, space: byteCount, owner: owner)
  }

  /// Sets the compute units that the transaction may use, at most 1,400,000; without it there are 200,000 an instruction.
  public static func computeUnitLimit(_ units: UInt32) -> Instruction {
    ComputeBudgetProgram.setComputeUnitLimit(units)
  }
}

extension Chain {
  /// Lamports of one SOL.
  public static let lamportsPerSOL: UInt64 = 1_000_000_000

  /// Gives lamports from the ledger's faucet, in a block of its own.
  public func airdrop(_ lamports: UInt64, to key: Pubkey) throws(RequestError) {
    let faucet = try RequestError.onChain { () throws(ChainError) in try account(Self.faucet.pubkey) }
    if faucet == nil { throw .faucet(nil) }
    let result: TransactionResult
    do throws(SubmissionError) {
      result = try send(
        [.transfer(from: Self.faucet.pubkey, to: key, lamports: lamports)], signers: [Self.faucet])
    } catch { throw RequestError(error) }
    if let error = result.error { throw .faucet(error) }
  }

  /// Builds and signs a transaction of Solana's for the next block: it names the chain's present blockhash.
  ///
  /// - Parameters:
  ///   - instructions: in the order in which they run.
  ///   - signers: the payer first; a pair for each key that must sign.
  public func transaction(
    _ instructions: [Instruction], signedBy signers: [KeyPair]
  ) throws(RequestError) -> SignedTransaction {
    guard let payer = signers.first else { throw .noPayer }
    let builder = TransactionBuilder(
      payer: payer.pubkey, recentBlockhash: blockhash, instructions: instructions)
    do throws(TransactionBuildingError) { return .solana(try builder.signed(by: signers).bytes) } catch {
      throw .building(error)
    }
  }

  /// Deploys a program through the upgradeable loader, or upgrades the one at that key; `payer` pays and keeps the right
  /// to upgrade. Takes several blocks.
  ///
  /// - Parameters:
  ///   - elf: an SBPF executable, or an object of stock clang (`-target bpf -c`), which is linked first.
  ///   - program: signs for the program's key the first time.
  ///   - payer: pays, and may upgrade the program later.
  /// - Returns: the program's key.
  @discardableResult
  public func deploy(
    program elf: [UInt8], as program: KeyPair = .random(), payer: KeyPair
  ) throws(RequestError) -> Pubkey {
    var elf = elf
    if ObjectLinker.isObject(elf) {
      do throws(LinkError) {
        elf = try ObjectLinker.link(
          [(name: "the object", bytes: elf)], version: .v3, syscalls: SyscallTable.registry(.all))
      } catch { throw .deployment(error.description) }
    }
    let deployment = ProgramDeployment(
      elf: elf, program: .init(program), payer: payer, authority: payer)
    do throws(DeploymentError) { _ = try deployment.run(try deployment.plan(on: self), on: self) } catch {
      throw .deployment(error.description)
    }
    return program.pubkey
  }
}
