import Primitives
import Testing
import WideIntegers

@testable import EVM

/// Every transaction of the state tests.
@Suite(.enabled(if: StateTestFixtures.archive != nil, "no ../shared/vectors/evm/statetests.tar.zst"))
struct EthereumTransactionFixtureTests {
  /// The rule that refuses the case's transaction, `nil` where none does.
  static func refusal(_ test: StateTestCase) -> String? {
    let transaction: EthereumTransaction
    do throws(EthereumTransactionError) {
      transaction = try EthereumTransaction(decoding: test.transactionBytes)
    } catch { return error.exceptionName }
    let account = test.pre.first { $0.address == test.sender }
    let state = SenderState(
      nonce: account?.nonce ?? 0, balance: account?.balance ?? 0,
      code: SenderState.Code(of: account?.code ?? []))
    do throws(TransactionValidityError) {
      _ = try transaction.validate(in: test.environment)
      try transaction.validate(sender: state, at: test.sender, fork: test.environment.fork)
    } catch { return error.exceptionName }
    return nil
  }

  @Test func validityIsWhatTheFixturesExpect() {
    var refused = 0
    for test in StateTestFixtures.cases {
      let refusal = Self.refusal(test)
      if let refusal {
        refused += 1
        #expect(test.exceptions.contains(refusal), "\(test): \(refusal)")
      }
      #expect((refusal == nil) == test.exceptions.isEmpty, "\(test): \(test.exceptions)")
    }
    #expect(refused > 1_000 && StateTestFixtures.cases.count > 14_000)
  }

  @Test func decodingAndEncodingGiveTheSameBytes() throws {
    var kinds: Set<EthereumTransaction.Kind> = []
    for test in StateTestFixtures.cases {
      guard let transaction = try? EthereumTransaction(decoding: test.transactionBytes) else {
        #expect(test.exceptions == ["RLP_INVALID_VALUE"], "\(test)")
        continue
      }
      kinds.insert(transaction.kind)
      #expect(transaction.encoded == test.transactionBytes, "\(test)")
      #expect(transaction.hash == Keccak256.hash(test.transactionBytes))
    }
    #expect(kinds == [.legacy, .accessList, .dynamicFee, .blob])
  }

  @Test func recoveryGivesTheSender() throws {
    var seen: Set<[UInt8]> = []
    for test in StateTestFixtures.cases where seen.insert(test.transactionBytes).inserted {
      guard let transaction = try? EthereumTransaction(decoding: test.transactionBytes) else { continue }
      #expect(try transaction.recoverSender(fork: test.environment.fork) == test.sender, "\(test)")
    }
    #expect(seen.count > 1_000)
  }

  /// A refused transaction changes nothing, so the fixture's root is that of the accounts before.
  @Test func stateRootsOfRefusedTransactionsAreThoseBefore() {
    var roots: Set<Hash> = []
    for test in StateTestFixtures.cases where !test.exceptions.isEmpty {
      let root = MerklePatriciaTrie.stateRoot(test.pre.map { ($0.address, $0.trieAccount) })
      #expect(root == test.stateRoot, "\(test)")
      roots.insert(root)
    }
    #expect(roots.count > 20)
  }
}
