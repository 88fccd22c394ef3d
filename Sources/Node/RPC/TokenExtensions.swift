// Extensions of Token-2022's mints and accounts as `jsonParsed` tells them (Agave's account-decoder, UiExtension). Behind the
// state, at byte 165, stands what kind of account it is, and then each extension: its number and its length in two bytes each,
// and its bytes (https://docs.rs/spl-token-2022-interface, extension). Where a key is all zero there is none.

import Primitives

enum TokenExtensions {
  private static let start = 166

  /// An extension's name, and its fields; `nil`: it says all by being there.
  private typealias Form = (name: String, fields: [DataField]?)

  private static let fee: [DataField] = [
    .uint64("epoch"), .uint64("maximumFee"), .uint16("transferFeeBasisPoints"),
  ]

  /// By number, from 1 on.
  private static let forms: [Form] = [
    (
      "transferFeeConfig",
      [
        .nonzeroKey("transferFeeConfigAuthority"), .nonzeroKey("withdrawWithheldAuthority"),
        .uint64("withheldAmount"), .group("olderTransferFee", fee), .group("newerTransferFee", fee),
      ]
    ),
    ("transferFeeAmount", [.uint64("withheldAmount")]),
    ("mintCloseAuthority", [.nonzeroKey("closeAuthority")]),
    (
      "confidentialTransferMint",
      [.nonzeroKey("authority"), .bool("autoApproveNewAccounts"), .nonzeroBase64("auditorElgamalPubkey", 32)]
    ),
    (
      "confidentialTransferAccount",
      [
        .bool("approved"), .base64("elgamalPubkey", 32), .base64("pendingBalanceLo", 64),
        .base64("pendingBalanceHi", 64), .base64("availableBalance", 64),
        .base64("decryptableAvailableBalance", 36), .bool("allowConfidentialCredits"),
        .bool("allowNonConfidentialCredits"), .uint64("pendingBalanceCreditCounter"),
        .uint64("maximumPendingBalanceCreditCounter"), .uint64("expectedPendingBalanceCreditCounter"),
        .uint64("actualPendingBalanceCreditCounter"),
      ]
    ),
    (
      "defaultAccountState",
      [.word("accountState", ["uninitialized", "initialized", "frozen"], byteCount: 1)]
    ),
    ("immutableOwner", nil),
    ("memoTransfer", [.bool("requireIncomingTransferMemos")]),
    ("nonTransferable", nil),
    (
      "interestBearingConfig",
      [
        .nonzeroKey("rateAuthority"), .int64("initializationTimestamp"), .int16("preUpdateAverageRate"),
        .int64("lastUpdateTimestamp"), .int16("currentRate"),
      ]
    ),
    ("cpiGuard", [.bool("lockCpi")]),
    ("permanentDelegate", [.nonzeroKey("delegate")]),
    ("nonTransferableAccount", nil),
    ("transferHook", [.nonzeroKey("authority"), .nonzeroKey("programId")]),
    ("transferHookAccount", [.bool("transferring")]),
    (
      "confidentialTransferFeeConfig",
      [
        .nonzeroKey("authority"), .base64("withdrawWithheldAuthorityElgamalPubkey", 32),
        .bool("harvestToMintEnabled"), .base64("withheldAmount", 64),
      ]
    ),
    ("confidentialTransferFeeAmount", [.base64("withheldAmount", 64)]),
    ("metadataPointer", [.nonzeroKey("authority"), .nonzeroKey("metadataAddress")]),
    (
      "tokenMetadata",
      [
        .nonzeroKey("updateAuthority"), .key("mint"), .shortText("name"), .shortText("symbol"),
        .shortText("uri"),
        .textPairs("additionalMetadata"),
      ]
    ),
    ("groupPointer", [.nonzeroKey("authority"), .nonzeroKey("groupAddress")]),
    (
      "tokenGroup", [.nonzeroKey("updateAuthority"), .key("mint"), .uint64("size"), .uint64("maxSize")]
    ),
    ("groupMemberPointer", [.nonzeroKey("authority"), .nonzeroKey("memberAddress")]),
    ("tokenGroupMember", [.key("mint"), .key("group"), .uint64("memberNumber")]),
    (
      "confidentialMintBurn",
      [
        .base64("confidentialSupply", 64), .base64("decryptableSupply", 36),
        .base64("supplyElgamalPubkey", 32),
        .base64("pendingBurn", 64),
      ]
    ),
    (
      "scaledUiAmountConfig",
      [
        .nonzeroKey("authority"), .float64Text("multiplier"), .int64("newMultiplierEffectiveTimestamp"),
        .float64Text("newMultiplier"),
      ]
    ),
    ("pausableConfig", [.nonzeroKey("authority"), .bool("paused")]),
    ("pausableAccount", nil),
  ]

  /// Names of the extensions' kinds by number (Agave's UiExtensionType).
  static let types: [String] =
    ["uninitialized"]
    + forms.map { form in
      switch form.name {
      case "scaledUiAmountConfig": "scaledUiAmount"
      case "pausableConfig": "pausable"
      default: form.name
      }
    } + ["permissionedBurn"]

  /// Writes the member `extensions`, where there are some.
  static func write(of data: [UInt8], to writer: inout JSONWriter) {
    let list = list(data)
    if list.isEmpty { return }
    writer.key("extensions")
    writer.array { writer in for json in list { writer.value(rawJSON: json) } }
  }

  private static func list(_ data: [UInt8]) -> [[UInt8]] {
    var list: [[UInt8]] = []
    var offset = start
    while offset + 4 <= data.count {
      let number = Int(data[offset]) | Int(data[offset + 1]) << 8
      let byteCount = Int(data[offset + 2]) | Int(data[offset + 3]) << 8
      offset += 4
      if number == 0 || byteCount > data.count - offset { break }
      list.append(json(number, data[offset..<offset + byteCount]))
      offset += byteCount
    }
    return list
  }

  private static func json(_ number: Int, _ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    if number <= forms.count, let state = state(forms[number - 1], bytes) {
      writer.member("extension", forms[number - 1].name)
      if !state.isEmpty { writer.member("state", rawJSON: state) }
    } else {
      writer.member("extension", "unparseableExtension")
    }
    writer.endObject()
    return writer.bytes
  }

  /// - Returns: empty for one without fields; `nil` where the bytes are not its fields.
  private static func state(_ form: Form, _ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    guard let fields = form.fields else { return [] }
    return bytes.withUnsafeBytes { raw -> [UInt8]? in
      var reader = ByteReader(raw)
      var writer = JSONWriter()
      writer.beginObject()
      do throws(CodecError) {
        for field in fields { try field.write(from: &reader, to: &writer) }
      } catch {
        return nil
      }
      writer.endObject()
      return writer.bytes
    }
  }
}
