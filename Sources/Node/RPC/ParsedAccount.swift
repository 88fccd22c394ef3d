// Accounts that `jsonParsed` tells by their fields (Agave's account-decoder): tokens, nonces, stakes, votes, lookup tables,
// programs, sysvars. Others come as base64, as Agave does with those that it cannot parse.

import Execution
import Ledger
import Primitives
import Runtime

enum ParsedAccount {
  /// - Returns: false where nothing was written.
  static func write(
    _ account: Account, at key: Pubkey, to writer: inout JSONWriter, mint: (Pubkey) -> TokenState.Mint?
  ) -> Bool {
    var parsed = JSONWriter()
    let program: String
    switch account.owner {
    case TokenState.token, TokenState.token2022:
      program = account.owner == TokenState.token ? "spl-token" : "spl-token-2022"
      guard writeTokens(account, to: &parsed, mint) else { return false }
    case ProgramID.system:
      program = "nonce"
      guard account.data.count == NonceState.byteCount else { return false }
      guard write("initialized", nonce, skipping: 8, of: account, if: { $0[4] == 1 }, to: &parsed) else {
        return false
      }
    case ProgramID.stake:
      program = "stake"
      guard writeStake(account, to: &parsed) else { return false }
    case ProgramID.vote:
      program = "vote"
      guard let state = VoteState.stored(account, at: key) else { return false }
      VoteForms.write(state, to: &parsed)
    case ProgramID.addressLookupTable:
      program = "address-lookup-table"
      guard writeTable(account, to: &parsed) else { return false }
    case ProgramID.bpfLoaderUpgradeable:
      program = "bpf-upgradeable-loader"
      guard writeProgram(account, to: &parsed) else { return false }
    case ProgramID.sysvar:
      program = "sysvar"
      guard let (type, form) = sysvars[key] else { return false }
      switch form {
      case .fields(let fields):
        guard write(type, fields, of: account, to: &parsed) else { return false }
      case .list(let fields):
        guard writeList(type, fields, of: account, to: &parsed) else { return false }
      }
    default: return false
    }
    writer.object { writer in
      writer.member("program", program)
      writer.member("parsed", rawJSON: parsed.bytes)
      writer.member("space", account.data.count)
    }
    return true
  }

  // MARK: States of known layout

  /// `{"info": {fields}, "type"}`; false where the data is too short.
  private static func write(
    _ type: String, _ fields: [DataField], skipping offset: Int = 0, of account: Account,
    if isShaped: (UnsafeRawBufferPointer) -> Bool = { _ in true }, to writer: inout JSONWriter
  ) -> Bool {
    account.data.withUnsafeBytes { bytes in
      guard bytes.count >= offset, isShaped(bytes) else { return false }
      var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
      writer.beginObject()
      writer.key("info")
      writer.beginObject()
      do throws(CodecError) {
        for field in fields { try field.write(from: &reader, to: &writer) }
      } catch {
        return false
      }
      writer.endObject()
      writer.member("type", type)
      writer.endObject()
      return true
    }
  }

  /// The same of a list: its length in 8 bytes, then its elements.
  private static func writeList(
    _ type: String, _ fields: [DataField], of account: Account, to writer: inout JSONWriter
  ) -> Bool {
    account.data.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      writer.beginObject()
      writer.key("info")
      writer.beginArray()
      do throws(CodecError) {
        for _ in 0..<(try reader.readUInt64()) {
          writer.beginObject()
          for field in fields { try field.write(from: &reader, to: &writer) }
          writer.endObject()
        }
      } catch {
        return false
      }
      writer.endArray()
      writer.member("type", type)
      writer.endObject()
      return true
    }
  }

  private enum SysvarForm: Sendable {
    case fields([DataField])
    case list([DataField])
  }

  private static let feeCalculator = DataField.group("feeCalculator", [.amount("lamportsPerSignature")])

  /// Of the sysvars of docs.rs/solana-sysvar; the slot history, a million bits, comes as bytes.
  private static let sysvars: [Pubkey: (type: String, SysvarForm)] = [
    SysvarID.clock: (
      "clock",
      .fields([
        .uint64("slot"), .int64("epochStartTimestamp"), .uint64("epoch"), .uint64("leaderScheduleEpoch"),
        .int64("unixTimestamp"),
      ])
    ),
    SysvarID.rent: (
      "rent",
      .fields([.amount("lamportsPerByteYear"), .float64("exemptionThreshold"), .uint8("burnPercent")])
    ),
    SysvarID.epochSchedule: (
      "epochSchedule",
      .fields([
        .uint64("slotsPerEpoch"), .uint64("leaderScheduleSlotOffset"), .bool("warmup"),
        .uint64("firstNormalEpoch"), .uint64("firstNormalSlot"),
      ])
    ),
    SysvarID.lastRestartSlot: ("lastRestartSlot", .fields([.uint64("lastRestartSlot")])),
    SysvarID.epochRewards: (
      "epochRewards",
      .fields([
        .uint64("distributionStartingBlockHeight"), .uint64("numPartitions"), .key("parentBlockhash"),
        .amount128("totalPoints"), .amount("totalRewards"), .amount("distributedRewards"), .bool("active"),
      ])
    ),
    SysvarID.recentBlockhashes: ("recentBlockhashes", .list([.key("blockhash"), feeCalculator])),
    SysvarID.slotHashes: ("slotHashes", .list([.uint64("slot"), .key("hash")])),
    SysvarID.stakeHistory: (
      "stakeHistory",
      .list([
        .uint64("epoch"),
        .group("stakeHistory", [.uint64("effective"), .uint64("activating"), .uint64("deactivating")]),
      ])
    ),
  ]

  /// Behind version and state (NonceState.swift).
  private static let nonce: [DataField] = [.key("authority"), .key("blockhash"), feeCalculator]

  /// Behind a tag of 4 bytes (https://docs.rs/solana-stake-interface, state.rs).
  private static let stakeMeta = DataField.group(
    "meta",
    [
      .amount("rentExemptReserve"), .group("authorized", [.key("staker"), .key("withdrawer")]),
      .group("lockup", [.int64("unixTimestamp"), .uint64("epoch"), .key("custodian")]),
    ])
  private static let stakeDelegation = DataField.group(
    "stake",
    [
      .group(
        "delegation",
        [
          .key("voter"), .amount("stake"), .amount("activationEpoch"), .amount("deactivationEpoch"),
          .float64("warmupCooldownRate"),
        ]), .uint64("creditsObserved"),
    ])

  private static func writeStake(_ account: Account, to writer: inout JSONWriter) -> Bool {
    switch account.data.first {
    case 0:
      writer.object { $0.member("type", "uninitialized") }
      return true
    case 1: return write("initialized", [stakeMeta, .null("stake")], skipping: 4, of: account, to: &writer)
    case 2: return write("delegated", [stakeMeta, stakeDelegation], skipping: 4, of: account, to: &writer)
    default: return false
    }
  }

  private static func writeTable(_ account: Account, to writer: inout JSONWriter) -> Bool {
    do throws(AddressLookupTable.DecodingError) {
      let table = try AddressLookupTable(decoding: account.data)
      writer.object { writer in
        writer.key("info")
        writer.object { writer in
          writer.member("addresses", table.addresses)
          if let authority = table.authority { writer.member("authority", authority.description) }
          writer.member("deactivationSlot", String(table.deactivationSlot))
          writer.member("lastExtendedSlot", String(table.lastExtendedSlot))
          writer.member("lastExtendedSlotStartIndex", Int(table.lastExtendedStartIndex))
        }
        writer.member("type", "lookupTable")
      }
      return true
    } catch {
      guard error == .uninitialized else { return false }
      writer.object { $0.member("type", "uninitialized") }
      return true
    }
  }

  private static func writeProgram(_ account: Account, to writer: inout JSONWriter) -> Bool {
    let state = account.data.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      return try? UpgradeableLoaderState.decode(&reader)
    }
    func write(_ type: String, codeStart: Int?, _ members: (inout JSONWriter) -> Void) {
      writer.object { writer in
        writer.key("info")
        writer.object { writer in
          members(&writer)
          if let codeStart {
            writer.key("data")
            writer.array { writer in
              writer.value(Base64.encode(Array(account.data.dropFirst(codeStart))))
              writer.value("base64")
            }
          }
        }
        writer.member("type", type)
      }
    }
    switch state {
    case .uninitialized: writer.object { $0.member("type", "uninitialized") }
    case .buffer(let authority):
      write("buffer", codeStart: UpgradeableLoaderState.bufferMetadataByteCount) {
        $0.member("authority", authority)
      }
    case .program(let programData):
      write("program", codeStart: nil) { $0.member("programData", programData.description) }
    case .programData(let slot, let authority):
      write("programData", codeStart: UpgradeableLoaderState.programDataMetadataByteCount) { writer in
        writer.member("authority", authority)
        writer.member("slot", slot)
      }
    case nil: return false
    }
    return true
  }

  // MARK: Tokens

  private static func writeTokens(
    _ account: Account, to writer: inout JSONWriter, _ mint: (Pubkey) -> TokenState.Mint?
  ) -> Bool {
    if let state = TokenState.Mint(account) {
      write(state, account.data, to: &writer)
    } else if account.data.count == multisigByteCount && account.data[2] == 1 {
      writeMultisig(account.data, to: &writer)
    } else if let state = TokenState.Holding(account), let decimals = decimals(of: state.mint, mint) {
      write(state, account.data, decimals: decimals, to: &writer)
    } else {
      return false
    }
    return true
  }

  private static func decimals(of key: Pubkey, _ mint: (Pubkey) -> TokenState.Mint?) -> UInt8? {
    TokenState.nativeMints.contains(key) ? 9 : mint(key)?.decimals
  }

  private static let multisigByteCount = 355

  /// Signers that are needed, signers that there are, whether it is initialised, eleven keys.
  private static func writeMultisig(_ data: [UInt8], to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("info")
      writer.object { writer in
        writer.member("isInitialized", true)
        writer.member("numRequiredSigners", Int(data[0]))
        writer.member("numValidSigners", Int(data[1]))
        let keys = stride(from: 3, to: data.count, by: 32).compactMap { Pubkey(data[$0..<$0 + 32]) }
        writer.member("signers", keys.filter { $0 != .zero })
      }
      writer.member("type", "multisig")
    }
  }

  private static func write(_ mint: TokenState.Mint, _ data: [UInt8], to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("info")
      writer.object { writer in
        writer.member("decimals", Int(mint.decimals))
        TokenExtensions.write(of: data, to: &writer)
        writer.member("freezeAuthority", mint.freezeAuthority)
        writer.member("isInitialized", true)
        writer.member("mintAuthority", mint.authority)
        writer.member("supply", String(mint.supply))
      }
      writer.member("type", "mint")
    }
  }

  private static func write(
    _ state: TokenState.Holding, _ data: [UInt8], decimals: UInt8, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.key("info")
      writer.object { writer in
        if let authority = state.closeAuthority { writer.member("closeAuthority", authority.description) }
        if let delegate = state.delegate {
          writer.member("delegate", delegate.description)
          writer.key("delegatedAmount")
          TokenAmount(state.delegatedAmount, decimals: decimals).write(to: &writer)
        }
        TokenExtensions.write(of: data, to: &writer)
        writer.member("isNative", state.nativeReserve != nil)
        writer.member("mint", state.mint.description)
        writer.member("owner", state.owner.description)
        if let reserve = state.nativeReserve {
          writer.key("rentExemptReserve")
          TokenAmount(reserve, decimals: decimals).write(to: &writer)
        }
        writer.member("state", state.state == .frozen ? "frozen" : "initialized")
        writer.key("tokenAmount")
        TokenAmount(state.amount, decimals: decimals).write(to: &writer)
      }
      writer.member("type", "account")
    }
  }
}
