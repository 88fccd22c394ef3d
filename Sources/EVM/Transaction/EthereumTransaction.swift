// An Ethereum transaction of any of the five types: legacy (Yellow Paper section 4.2, EIP-155), access list
// (EIP-2930), dynamic fee (EIP-1559), blob (EIP-4844), set code (EIP-7702). One struct for all: fields that a type
// lacks are empty or follow from others, so that execution never asks for the type.
// Wire form: EthereumTransaction+Decoding.swift, EthereumTransaction+Encoding.swift.

import Primitives
import WideIntegers

package struct EthereumTransaction: Equatable, Sendable {
  /// The envelope's type (EIP-2718); `legacy` has none on the wire.
  package enum Kind: UInt8, CaseIterable, Sendable {
    case legacy, accessList, dynamicFee, blob, setCode
  }

  package var kind: Kind
  /// `nil`: a legacy transaction whose signature is good for any chain.
  package var chainID: UInt64?
  package var nonce: UInt64
  /// Wei; the gas price of a type that has but one price, as is `maxFeePerGas`.
  package var maxPriorityFeePerGas: UInt256
  /// Wei.
  package var maxFeePerGas: UInt256
  package var gasLimit: UInt64
  /// `nil` creates a contract.
  package var to: Address?
  /// Wei.
  package var value: UInt256
  /// The call's input, or the initcode.
  package var data: [UInt8]
  package var accessList: [AccessListEntry]
  /// Wei a unit of blob gas; 0 except in blob transactions.
  package var maxFeePerBlobGas: UInt256
  package var blobVersionedHashes: [Hash]
  package var authorizations: [Authorization]
  package var signature: EthereumSignature

  /// The zero signature recovers to nobody: a transaction that is not signed yet.
  package init(
    kind: Kind, chainID: UInt64?, nonce: UInt64, maxPriorityFeePerGas: UInt256, maxFeePerGas: UInt256,
    gasLimit: UInt64, to: Address?, value: UInt256 = .zero, data: [UInt8] = [],
    accessList: [AccessListEntry] = [], maxFeePerBlobGas: UInt256 = .zero, blobVersionedHashes: [Hash] = [],
    authorizations: [Authorization] = [], signature: EthereumSignature = .none
  ) {
    (self.kind, self.chainID, self.nonce) = (kind, chainID, nonce)
    (self.maxPriorityFeePerGas, self.maxFeePerGas) = (maxPriorityFeePerGas, maxFeePerGas)
    (self.gasLimit, self.to, self.value, self.data) = (gasLimit, to, value, data)
    (self.accessList, self.maxFeePerBlobGas) = (accessList, maxFeePerBlobGas)
    (self.blobVersionedHashes, self.authorizations) = (blobVersionedHashes, authorizations)
    self.signature = signature
  }

  package var isCreation: Bool { to == nil }

  /// Blob gas, 2^17 a blob.
  package var blobGas: UInt64 { UInt64(blobVersionedHashes.count) &* BlobParameters.gasPerBlob }
}

/// An account, and slots of it, that a transaction says it will touch (EIP-2930).
package struct AccessListEntry: Equatable, Sendable {
  package var address: Address
  package var storageKeys: [Hash]

  package init(address: Address, storageKeys: [Hash]) {
    (self.address, self.storageKeys) = (address, storageKeys)
  }
}

/// An ECDSA signature over secp256k1 with the parity of R's y. Values are as found, not checked.
package struct EthereumSignature: Equatable, Sendable {
  /// 0 or 1 in a valid signature.
  package var yParity: UInt8
  package var r: UInt256
  package var s: UInt256

  package init(yParity: UInt8, r: UInt256, s: UInt256) { (self.yParity, self.r, self.s) = (yParity, r, s) }

  package static var none: EthereumSignature { EthereumSignature(yParity: 0, r: .zero, s: .zero) }
}

/// An account's signed consent to run another's code as its own (EIP-7702). An authorization that is not valid is
/// passed over at execution; it does not make its transaction invalid.
package struct Authorization: Equatable, Sendable {
  /// 0 is any chain.
  package var chainID: UInt256
  /// Whose code; zero takes a delegation back.
  package var address: Address
  package var nonce: UInt64
  package var signature: EthereumSignature

  package init(chainID: UInt256, address: Address, nonce: UInt64, signature: EthereumSignature) {
    (self.chainID, self.address, self.nonce, self.signature) = (chainID, address, nonce, signature)
  }
}
