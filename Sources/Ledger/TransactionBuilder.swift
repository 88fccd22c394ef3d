// From instructions to a signed transaction: keys are collected, merged and ordered as Solana's clients order
// them (https://docs.rs/solana-message, CompiledKeys), so that the bytes equal theirs.

import Primitives

package struct TransactionBuilder: Sendable {
  package var payer: Pubkey
  package var recentBlockhash: Hash
  package var instructions: [Instruction]
  package var version: MessageVersion
  /// Tables that a v0 message may take keys from, in order of preference.
  package var lookupTables: [(key: Pubkey, addresses: [Pubkey])]

  package init(
    payer: Pubkey, recentBlockhash: Hash, instructions: [Instruction], version: MessageVersion = .legacy,
    lookupTables: [(key: Pubkey, addresses: [Pubkey])] = []
  ) {
    self.payer = payer
    self.recentBlockhash = recentBlockhash
    self.instructions = instructions
    self.version = version
    self.lookupTables = lookupTables
  }

  /// The message's wire bytes.
  package func messageBytes() throws(TransactionBuildingError) -> [UInt8] {
    try CompiledMessage(self).encoded()
  }

  /// The signed transaction. `keyPairs` holds one pair for each key that must sign, in any order; others are
  /// ignored.
  package func signed(by keyPairs: [Ed25519.KeyPair]) throws(TransactionBuildingError) -> Transaction {
    let message = try CompiledMessage(self)
    let messageBytes = message.encoded()
    var signatures: [Signature] = []
    for signer in message.keys.prefix(Int(message.header.requiredSignatureCount)) {
      guard let pair = keyPairs.first(where: { $0.pubkey == signer }) else { throw .missingSigner(signer) }
      signatures.append(pair.sign(messageBytes))
    }
    return try Self.transaction(signatures: signatures, messageBytes: messageBytes)
  }

  /// Joins signatures and a message's wire bytes, checking neither against the other.
  package static func transaction(
    signatures: [Signature], messageBytes: [UInt8]
  ) throws(TransactionBuildingError) -> Transaction {
    var writer = ByteWriter(capacity: 1 + signatures.count * 64 + messageBytes.count)
    writer.writeCompactU16(UInt16(clamping: signatures.count))
    for signature in signatures { writer.write(signature) }
    writer.write(messageBytes)
    do throws(TransactionDecodingError) {
      return try Transaction.decode(writer.bytes)
    } catch {
      throw .undecodable(error)
    }
  }
}

public enum TransactionBuildingError: Error, Equatable, Sendable {
  /// More than 256 keys, or more than 255 of one role.
  case tooManyKeys
  /// No key pair was given for a key that must sign.
  case missingSigner(Pubkey)
  /// The result is no valid wire form; most often it is too long.
  case undecodable(TransactionDecodingError)
}

extension TransactionBuildingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooManyKeys: "the transaction names more than 256 accounts: name fewer"
    case .missingSigner(let key): "the key pair of \(key), which must sign, was not given"
    case .undecodable(let error):
      "the transaction cannot be sent: \(error)"
        + (error.isTooLong ? "; give less data or fewer accounts" : "")
    }
  }
}

extension TransactionDecodingError {
  fileprivate var isTooLong: Bool { if case .tooLong = self { true } else { false } }
}

/// A message whose keys are ordered and whose instructions are indices.
private struct CompiledMessage {
  struct Lookup {
    var key: Pubkey
    var writable: [UInt8] = []
    var readonly: [UInt8] = []
  }

  private struct Role {
    var isSigner = false
    var isWritable = false
    var isProgram = false
  }

  let version: MessageVersion
  let blockhash: Hash
  var header = MessageHeader(requiredSignatureCount: 0, readonlySignedCount: 0, readonlyUnsignedCount: 0)
  var keys: [Pubkey] = []
  private var lookups: [Lookup] = []
  private var instructions: [(program: UInt8, accounts: [UInt8], data: [UInt8])] = []

  init(_ builder: TransactionBuilder) throws(TransactionBuildingError) {
    version = builder.version
    blockhash = builder.recentBlockhash
    var roles = Self.roles(builder)
    var loaded: (writable: [Pubkey], readonly: [Pubkey]) = ([], [])
    if version == .v0 {
      for table in builder.lookupTables { takeLookup(table, &roles, &loaded) }
    }
    try order(roles, payer: builder.payer)
    let all = keys + loaded.writable + loaded.readonly
    guard all.count <= 256 else { throw .tooManyKeys }
    var indices: [Pubkey: UInt8] = [:]
    for (index, key) in all.enumerated() { indices[key] = UInt8(index) }
    for instruction in builder.instructions {
      // Every key of an instruction was given a role above, and every role became a key.
      guard let program = indices[instruction.programID] else { throw .tooManyKeys }
      instructions.append((program, instruction.accounts.compactMap { indices[$0.key] }, instruction.data))
    }
  }

  private static func roles(_ builder: TransactionBuilder) -> [Pubkey: Role] {
    var roles: [Pubkey: Role] = [:]
    for instruction in builder.instructions {
      roles[instruction.programID, default: Role()].isProgram = true
      for account in instruction.accounts {
        roles[account.key, default: Role()].isSigner =
          roles[account.key]?.isSigner == true || account.isSigner
        roles[account.key, default: Role()].isWritable =
          roles[account.key]?.isWritable == true || account.isWritable
      }
    }
    roles[builder.payer, default: Role()].isSigner = true
    roles[builder.payer, default: Role()].isWritable = true
    return roles
  }

  /// Moves what `table` lists out of `roles`; signers and called programs must stay static.
  private mutating func takeLookup(
    _ table: (key: Pubkey, addresses: [Pubkey]), _ roles: inout [Pubkey: Role],
    _ loaded: inout (writable: [Pubkey], readonly: [Pubkey])
  ) {
    var lookup = Lookup(key: table.key)
    for (key, role) in roles.sorted(by: { $0.key < $1.key }) where !role.isSigner && !role.isProgram {
      guard let position = table.addresses.firstIndex(of: key), let index = UInt8(exactly: position) else {
        continue
      }
      roles[key] = nil
      if role.isWritable {
        lookup.writable.append(index)
        loaded.writable.append(key)
      } else {
        lookup.readonly.append(index)
        loaded.readonly.append(key)
      }
    }
    if lookup.writable.count + lookup.readonly.count > 0 { lookups.append(lookup) }
  }

  /// Payer, writable signers, read-only signers, writable others, read-only others; each group by key.
  private mutating func order(_ roles: [Pubkey: Role], payer: Pubkey) throws(TransactionBuildingError) {
    let sorted = roles.filter { $0.key != payer }.sorted { $0.key < $1.key }
    func group(_ isSigner: Bool, _ isWritable: Bool) -> [Pubkey] {
      sorted.filter { $0.value.isSigner == isSigner && $0.value.isWritable == isWritable }.map(\.key)
    }
    let writableSigners = [payer] + group(true, true)
    let readonlySigners = group(true, false)
    let readonlyOthers = group(false, false)
    keys = writableSigners + readonlySigners + group(false, true) + readonlyOthers
    guard let signed = UInt8(exactly: writableSigners.count + readonlySigners.count),
      let readonlySigned = UInt8(exactly: readonlySigners.count),
      let readonlyUnsigned = UInt8(exactly: readonlyOthers.count)
    else { throw .tooManyKeys }
    header = MessageHeader(
      requiredSignatureCount: signed, readonlySignedCount: readonlySigned,
      readonlyUnsignedCount: readonlyUnsigned)
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: Transaction.maximumByteCount)
    if version == .v0 { writer.write(0x80 as UInt8) }
    writer.write(header.requiredSignatureCount)
    writer.write(header.readonlySignedCount)
    writer.write(header.readonlyUnsignedCount)
    writer.writeCompactU16(UInt16(clamping: keys.count))
    for key in keys { writer.write(key) }
    writer.write(blockhash)
    writer.writeCompactU16(UInt16(clamping: instructions.count))
    for instruction in instructions {
      writer.write(instruction.program)
      write(instruction.accounts, to: &writer)
      write(instruction.data, to: &writer)
    }
    if version == .v0 {
      writer.writeCompactU16(UInt16(clamping: lookups.count))
      for lookup in lookups {
        writer.write(lookup.key)
        write(lookup.writable, to: &writer)
        write(lookup.readonly, to: &writer)
      }
    }
    return writer.bytes
  }

  private func write(_ bytes: [UInt8], to writer: inout ByteWriter) {
    writer.writeCompactU16(UInt16(clamping: bytes.count))
    writer.write(bytes)
  }
}
