// Who signed: sender recovery (Yellow Paper appendix F) with the fork's rules, low s from Homestead on (EIP-2), the
// signature's chain from Spurious Dragon on (EIP-155), and the authority of an authorization (EIP-7702). The address
// that a creation leads to is here too, as it follows from the sender (section 7; EIP-1014).

import Primitives
import WideIntegers

/// Why a signature names nobody.
package enum EthereumSignatureError: Error, Equatable, Sendable {
  /// r, s or the parity out of range.
  case invalidValues
  /// In range, and yet no key fits.
  case noKey
}

extension EthereumSignature {
  /// The order of secp256k1's group, n.
  package static let groupOrder = UInt256(
    0xbfd2_5e8c_d036_4141, 0xbaae_dce6_af48_a03b, 0xffff_ffff_ffff_fffe, 0xffff_ffff_ffff_ffff)
  /// ⌊n / 2⌋, the largest s from Homestead on.
  package static let halfGroupOrder = groupOrder >> 1

  /// Whether r, s and the parity may be a signature's.
  func isInRange(allowsHighS: Bool) -> Bool {
    yParity < 2 && !r.isZero && r < Self.groupOrder && !s.isZero
      && s <= (allowsHighS ? Self.groupOrder &- 1 : Self.halfGroupOrder)
  }

  /// The address whose key made the signature over `hash`.
  package func recoverAddress(
    signing hash: Hash, allowsHighS: Bool = false
  ) throws(EthereumSignatureError) -> Address {
    guard isInRange(allowsHighS: allowsHighS) else { throw .invalidValues }
    let key: [UInt8]
    do throws(Secp256k1.RecoveryError) {
      key = try Secp256k1.recover(
        hash: hash, recoveryID: UInt64(yParity), signature: r.bigEndianBytes + s.bigEndianBytes)
    } catch { throw .noKey }
    return Address(Keccak256.hash(key))
  }
}

extension EthereumSignature {
  /// Stands in a transaction that somebody who develops contracts sends for `sender` without a key: another for each sender,
  /// so that two of them do not make the same transaction. No signature is this one: to find a message whose signature with
  /// s = 1 has the signer's address as r is to invert the recovery, 2^160 tries.
  package static func standing(for sender: Address) -> EthereumSignature {
    EthereumSignature(yParity: 0, r: UInt256(sender), s: .one)
  }
}

extension EthereumTransaction {
  /// Whether somebody acts for `sender`, who has signed nothing.
  package func isUnsigned(from sender: Address) -> Bool { signature == .standing(for: sender) }

  /// The sender, from the signature; about 50 µs. Whether type and chain are the block's is a validity rule
  /// (TransactionValidity.swift).
  package func recoverSender(fork: Fork) throws(EthereumSignatureError) -> Address {
    try signature.recoverAddress(signing: signingHash, allowsHighS: fork < .homestead)
  }
}

extension Authorization {
  /// Who gave the authorization.
  package func recoverAuthority() throws(EthereumSignatureError) -> Address {
    try signature.recoverAddress(signing: signingHash)
  }
}

extension Address {
  /// The address of a contract that `sender` creates as its `nonce`-th act (CREATE and creating transactions): the
  /// nonce before the creation.
  package static func created(by sender: Address, nonce: UInt64) -> Address {
    var writer = RLPWriter(capacity: 32)
    writer.writeList { writer in
      writer.write(sender)
      writer.write(nonce)
    }
    return Address(Keccak256.hash(writer.bytes))
  }

  /// The address of a contract that CREATE2 makes (EIP-1014).
  package static func created(by sender: Address, salt: UInt256, initcodeHash: Hash) -> Address {
    withUnsafeTemporaryAllocation(byteCount: 85, alignment: 8) { buffer in
      let base = buffer.baseAddress.unsafelyUnwrapped  // 85 bytes
      base.storeBytes(of: 0xff, as: UInt8.self)
      sender.write(to: base + 1)
      salt.writeBigEndian(to: base + 21)
      initcodeHash.write(to: base + 53)
      return Address(Keccak256.hash(UnsafeRawBufferPointer(buffer)))
    }
  }
}
