import Primitives
import Testing
import WideIntegers

@testable import EVM

@Suite struct SignerBatchTests {
  private static func signed(_ number: UInt64) throws -> EthereumTransaction {
    var transaction = EthereumTransaction(
      kind: .dynamicFee, chainID: 1, nonce: number, maxPriorityFeePerGas: 1, maxFeePerGas: 2,
      gasLimit: 21_000, to: Address.zero, value: UInt256(number))
    let secret = SHA256.hash([UInt8(number)]).bytes
    let made = try #require(Secp256k1.sign(transaction.signingHash, secretKey: secret))
    transaction.signature = EthereumSignature(
      yParity: made.recoveryID, r: try #require(UInt256(bigEndian: made.r)),
      s: try #require(UInt256(bigEndian: made.s)))
    return transaction
  }

  /// Signed transactions, some damaged, in one batch: each gets the sender or the error that it gets alone.
  @Test func agreesWithOneByOne() throws {
    var batch = SignerBatch()
    var transactions: [EthereumTransaction] = []
    for number in 0..<50 as Range<UInt64> {
      var transaction = try Self.signed(number)
      let (parity, r, s) = (
        transaction.signature.yParity, transaction.signature.r, transaction.signature.s
      )
      let order = EthereumSignature.groupOrder
      switch number % 7 {
      case 1: transaction.signature = EthereumSignature(yParity: parity, r: .zero, s: s)
      case 2: transaction.signature = EthereumSignature(yParity: parity, r: r, s: order &- s)
      // A point's x or not.
      case 3: transaction.signature = EthereumSignature(yParity: parity, r: UInt256(number), s: s)
      case 4: transaction.signature = EthereumSignature(yParity: parity, r: r, s: order)
      default: break
      }
      transactions.append(transaction)
    }
    for fork in [Fork.frontier, .shanghai] {
      for transaction in transactions { batch.add(transaction, fork: fork) }
      let senders = batch.signers()
      #expect(senders.count == transactions.count)
      var errors: [EthereumSignatureError] = []
      for (transaction, sender) in zip(transactions, senders) {
        let alone: Result<Address, EthereumSignatureError>
        do throws(EthereumSignatureError) {
          alone = .success(try transaction.recoverSender(fork: fork))
        } catch {
          alone = .failure(error)
          errors.append(error)
        }
        #expect(sender == alone)
      }
      #expect(errors.contains(.invalidValues) && errors.contains(.noKey))
    }
    #expect(batch.signers().isEmpty)
  }
}
