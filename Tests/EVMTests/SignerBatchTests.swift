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
      for (index, transaction) in transactions.enumerated() {
        if index % 2 == 0 {
          batch.add(transaction, fork: fork)
        } else {
          batch.add(transaction, wire: transaction.encoded, fork: fork)
        }
      }
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

  /// What was signed, cut out of a transaction's wire form: every type, lists and data whose lengths take a byte or several, and
  /// signatures with short numbers.
  @Test func payloadsOfWireForms() throws {
    var count = 0
    for kind in EthereumTransaction.Kind.allCases {
      for chainID in kind == .legacy ? [nil, 1, 300, UInt64.max >> 2] : [1, 300] as [UInt64?] {
        for byteCount in [0, 1, 20, 30, 55, 56, 150, 200, 255, 256, 300, 70_000] {
          for r in [UInt256(1), UInt256(0x7f), UInt256(0x80), EthereumSignature.groupOrder &- 1] {
            var transaction = EthereumTransaction(
              kind: kind, chainID: chainID, nonce: 3, maxPriorityFeePerGas: 1,
              maxFeePerGas: kind == .legacy || kind == .accessList ? 1 : 2, gasLimit: 21_000,
              to: byteCount == 20 ? nil : Address.zero, value: 5,
              data: [UInt8](repeating: 9, count: byteCount))
            if kind != .legacy && byteCount % 2 == 0 {
              transaction.accessList = [AccessListEntry(address: .zero, storageKeys: [.zero])]
            }
            if kind == .blob { transaction.blobVersionedHashes = [.zero] }
            transaction.signature = EthereumSignature(yParity: UInt8(byteCount % 3 & 1), r: r, s: r &+ 1)
            let wire = transaction.encoded
            let decoded = try EthereumTransaction(decoding: wire)
            var (whole, cut): ([UInt8], [UInt8]) = ([], [])
            decoded.appendSigningPayload(to: &whole)
            decoded.appendSigningPayload(of: wire, to: &cut)
            #expect(cut == whole)
            #expect(decoded.signingHash == Keccak256.hash(cut))
            count += 1
          }
        }
      }
    }
    #expect(count == 12 * 4 * (4 + 4 * 2))
  }
}
