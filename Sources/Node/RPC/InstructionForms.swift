// The instructions that `jsonParsed` tells by their fields: those of the system, stake, vote (VoteForms.swift) and memo programs,
// the loaders, lookup tables, the token programs' common part (https://docs.rs/spl-token-2022-interface, instruction.rs) and
// associated accounts. All others, Token-2022's extensions among them, have the form of instructions of unknown programs.

import Execution
import Ledger
import Primitives

enum InstructionForms {
  /// The members `parsed` and `program` of an instruction of `program`; `nil` where it is not known or does not fit.
  static func parse(
    _ program: Pubkey, accounts: [Pubkey], data: [UInt8]
  ) -> (parsed: [UInt8], program: String)? {
    guard let known = programs[program] else { return nil }
    let parsed: [UInt8]? = data.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      switch known {
      case .memo:
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var writer = JSONWriter()
        writer.value(text)
        return writer.bytes
      case .token:
        guard let tag = try? reader.readUInt8() else { return nil }
        let form = tag == 6 ? setAuthority(bytes.dropFirst().first) : token[tag]
        return form?.write(accounts, &reader)
      case .associated:
        // Its first instruction had no data once.
        guard let tag = bytes.isEmpty ? 0 : try? reader.readUInt8(), reader.isAtEnd, tag < associated.count
        else {
          return nil
        }
        return associated[Int(tag)].write(accounts, &reader)
      case .vote: return VoteForms.write(accounts, &reader)
      case .numbered(_, let forms):
        guard let tag = try? reader.readUInt32(), tag < forms.count else { return nil }
        return forms[Int(tag)].write(accounts, &reader)
      }
    }
    return parsed.map { ($0, known.name) }
  }

  private enum Program: Sendable {
    /// Instructions are told apart by a number of 4 bytes.
    case numbered(String, [InstructionForm])
    /// By a byte.
    case token
    case associated
    case memo
    case vote

    var name: String {
      switch self {
      case .numbered(let name, _): name
      case .token: "spl-token"
      case .associated: "spl-associated-token-account"
      case .memo: "spl-memo"
      case .vote: "vote"
      }
    }
  }

  private static func known(_ text: String) -> Pubkey {
    guard let key = Pubkey(base58: text) else { preconditionFailure("a key of 32 bytes") }
    return key
  }

  private static let programs: [Pubkey: Program] = [
    ProgramID.system: .numbered("system", system),
    ProgramID.stake: .numbered("stake", stake),
    ProgramID.vote: .vote,
    ProgramID.addressLookupTable: .numbered("address-lookup-table", lookupTables),
    ProgramID.bpfLoader2: .numbered("bpf-loader", loader),
    ProgramID.bpfLoaderUpgradeable: .numbered("bpf-upgradeable-loader", upgradeableLoader),
    TokenState.token: .token,
    TokenState.token2022: .token,
    TokenState.associated: .associated,
    known("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo"): .memo,
    known("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"): .memo,
  ]

  // MARK: The system program

  private static let system: [InstructionForm] = [
    InstructionForm(
      "createAccount", [.named("source"), .named("newAccount")],
      [.uint64("lamports"), .uint64("space"), .key("owner")]),
    InstructionForm("assign", [.named("account")], [.key("owner")]),
    InstructionForm("transfer", [.named("source"), .named("destination")], [.uint64("lamports")]),
    InstructionForm(
      "createAccountWithSeed", [.named("source"), .named("newAccount")],
      [.key("base"), .text("seed"), .uint64("lamports"), .uint64("space"), .key("owner")]),
    InstructionForm(
      "advanceNonce", [.named("nonceAccount"), .named("recentBlockhashesSysvar"), .named("nonceAuthority")]),
    InstructionForm(
      "withdrawFromNonce",
      [
        .named("nonceAccount"), .named("destination"), .named("recentBlockhashesSysvar"),
        .named("rentSysvar"),
        .named("nonceAuthority"),
      ], [.uint64("lamports")]),
    InstructionForm(
      "initializeNonce", [.named("nonceAccount"), .named("recentBlockhashesSysvar"), .named("rentSysvar")],
      [.key("nonceAuthority")]),
    InstructionForm(
      "authorizeNonce", [.named("nonceAccount"), .named("nonceAuthority")], [.key("newAuthorized")]),
    InstructionForm("allocate", [.named("account")], [.uint64("space")]),
    InstructionForm(
      "allocateWithSeed", [.named("account")],
      [.key("base"), .text("seed"), .uint64("space"), .key("owner")], minimum: 2),
    InstructionForm(
      "assignWithSeed", [.named("account")], [.key("base"), .text("seed"), .key("owner")], minimum: 2),
    InstructionForm(
      "transferWithSeed", [.named("source"), .named("sourceBase"), .named("destination")],
      [.uint64("lamports"), .text("sourceSeed"), .key("sourceOwner")]),
    InstructionForm("upgradeNonce", [.named("nonceAccount")]),
  ]

  // MARK: The stake program

  private static let clock = InstructionForm.Role.fixed("clockSysvar", SysvarID.clock)
  private static let rent = InstructionForm.Role.fixed("rentSysvar", SysvarID.rent)
  private static let stakeHistory = InstructionForm.Role.fixed("stakeHistorySysvar", SysvarID.stakeHistory)
  private static let authorityType = DataField.word("authorityType", ["Staker", "Withdrawer"], byteCount: 4)

  private static let stake: [InstructionForm] = [
    InstructionForm(
      "initialize", [.named("stakeAccount"), rent],
      [
        .group("authorized", [.key("staker"), .key("withdrawer")]),
        .group("lockup", [.int64("unixTimestamp"), .uint64("epoch"), .key("custodian")]),
      ]),
    InstructionForm(
      "authorize", [.named("stakeAccount"), clock, .named("authority"), .optional("custodian")],
      [.key("newAuthority"), authorityType]),
    InstructionForm(
      "delegate",
      [
        .named("stakeAccount"), .named("voteAccount"), clock, stakeHistory,
        .fixed("stakeConfigAccount", ProgramID.stakeConfig), .optional("stakeAuthority"),
      ], minimum: 3),
    InstructionForm(
      "split", [.named("stakeAccount"), .named("newSplitAccount"), .optional("stakeAuthority")],
      [.uint64("lamports")]),
    InstructionForm(
      "withdraw",
      [
        .named("stakeAccount"), .named("destination"), clock, stakeHistory, .named("withdrawAuthority"),
        .optional("custodian"),
      ], [.uint64("lamports")]),
    InstructionForm("deactivate", [.named("stakeAccount"), clock, .optional("stakeAuthority")], minimum: 2),
    InstructionForm(
      "setLockup", [.named("stakeAccount"), .named("custodian")],
      [
        .group(
          "lockup",
          [.optional(.int64("unixTimestamp")), .optional(.uint64("epoch")), .optional(.key("custodian"))])
      ]),
    InstructionForm(
      "merge",
      [.named("destination"), .named("source"), clock, stakeHistory, .optional("stakeAuthority")], minimum: 3),
    InstructionForm(
      "authorizeWithSeed", [.named("stakeAccount"), .named("authorityBase"), clock, .optional("custodian")],
      [.key("newAuthorized"), authorityType, .text("authoritySeed"), .key("authorityOwner")]),
    InstructionForm(
      "initializeChecked", [.named("stakeAccount"), rent, .named("staker"), .named("withdrawer")]),
    InstructionForm(
      "authorizeChecked",
      [.named("stakeAccount"), clock, .named("authority"), .named("newAuthority"), .optional("custodian")],
      [authorityType]),
    InstructionForm(
      "authorizeCheckedWithSeed",
      [
        .named("stakeAccount"), .named("authorityBase"), clock, .named("newAuthorized"),
        .optional("custodian"),
      ],
      [authorityType, .text("authoritySeed"), .key("authorityOwner")]),
    InstructionForm(
      "setLockupChecked", [.named("stakeAccount"), .named("custodian")],
      [.group("lockup", [.optional(.int64("unixTimestamp")), .optional(.uint64("epoch"))])]),
    InstructionForm("getMinimumDelegation", [], isBare: true),
    InstructionForm(
      "deactivateDelinquent", [.named("stakeAccount"), .named("voteAccount"), .named("referenceVoteAccount")]),
    InstructionForm(
      "redelegate",
      [
        .named("stakeAccount"), .named("newStakeAccount"), .named("voteAccount"),
        .named("stakeConfigAccount"),
        .named("stakeAuthority"),
      ]),
    InstructionForm(
      "moveStake", [.named("source"), .named("destination"), .named("stakeAuthority")], [.uint64("lamports")]),
    InstructionForm(
      "moveLamports", [.named("source"), .named("destination"), .named("stakeAuthority")],
      [.uint64("lamports")]),
  ]

  // MARK: Lookup tables and loaders

  private static let lookupTables: [InstructionForm] = [
    InstructionForm(
      "createLookupTable",
      [
        .named("lookupTableAccount"), .named("lookupTableAuthority"), .named("payerAccount"),
        .named("systemProgram"),
      ], [.uint64("recentSlot"), .uint8("bumpSeed")]),
    InstructionForm("freezeLookupTable", [.named("lookupTableAccount"), .named("lookupTableAuthority")]),
    InstructionForm(
      "extendLookupTable",
      [
        .named("lookupTableAccount"), .named("lookupTableAuthority"), .optional("payerAccount"),
        .optional("systemProgram"),
      ], [.keys("newAddresses")]),
    InstructionForm("deactivateLookupTable", [.named("lookupTableAccount"), .named("lookupTableAuthority")]),
    InstructionForm(
      "closeLookupTable", [.named("lookupTableAccount"), .named("lookupTableAuthority"), .named("recipient")]),
  ]

  private static let loader: [InstructionForm] = [
    InstructionForm("write", [.named("account")], [.uint32("offset"), .bytes("bytes")]),
    InstructionForm("finalize", [.named("account")], minimum: 2),
  ]

  private static let upgradeableLoader: [InstructionForm] = [
    InstructionForm("initializeBuffer", [.named("account"), .optional("authority")]),
    InstructionForm(
      "write", [.named("account"), .named("authority")], [.uint32("offset"), .bytes("bytes")]),
    InstructionForm(
      "deployWithMaxDataLen",
      [
        .named("payerAccount"), .named("programDataAccount"), .named("programAccount"),
        .named("bufferAccount"),
        .named("rentSysvar"), .named("clockSysvar"), .named("systemProgram"), .named("authority"),
      ], [.uint64("maxDataLen")]),
    InstructionForm(
      "upgrade",
      [
        .named("programDataAccount"), .named("programAccount"), .named("bufferAccount"),
        .named("spillAccount"),
        .named("rentSysvar"), .named("clockSysvar"), .named("authority"),
      ]),
    InstructionForm("setAuthority", [.named("account"), .named("authority"), .nullable("newAuthority")]),
    InstructionForm(
      "close", [.named("account"), .named("recipient"), .named("authority"), .nullable("programAccount")]),
    InstructionForm(
      "extendProgram",
      [
        .named("programDataAccount"), .named("programAccount"), .nullable("systemProgram"),
        .nullable("payerAccount"),
      ], [.uint32("additionalBytes")]),
    InstructionForm("setAuthorityChecked", [.named("account"), .named("authority"), .named("newAuthority")]),
    InstructionForm(
      "migrate", [.named("programDataAccount"), .named("programAccount"), .named("authority")]),
    InstructionForm(
      "extendProgramChecked",
      [
        .named("programDataAccount"), .named("programAccount"), .named("authority"),
        .nullable("systemProgram"),
        .nullable("payerAccount"),
      ], [.uint32("additionalBytes")]),
  ]

  // MARK: Tokens

  private static let authority = InstructionForm.Role.authority("authority", "multisigAuthority")
  private static let owner = InstructionForm.Role.authority("owner", "multisigOwner")
  private static let mintAuthority = InstructionForm.Role.authority("mintAuthority", "multisigMintAuthority")
  private static let freezeAuthority = InstructionForm.Role.authority(
    "freezeAuthority", "multisigFreezeAuthority")
  private static let newMint: [DataField] = [
    .uint8("decimals"), .key("mintAuthority"), .optionalKey("freezeAuthority"),
  ]

  private static let token: [UInt8: InstructionForm] = [
    0: InstructionForm("initializeMint", [.named("mint"), .named("rentSysvar")], newMint),
    1: InstructionForm(
      "initializeAccount", [.named("account"), .named("mint"), .named("owner"), .named("rentSysvar")]),
    2: InstructionForm(
      "initializeMultisig", [.named("multisig"), .named("rentSysvar"), .list("signers")], [.uint8("m")],
      minimum: 3),
    3: InstructionForm(
      "transfer", [.named("source"), .named("destination"), authority], [.amount("amount")]),
    4: InstructionForm("approve", [.named("source"), .named("delegate"), owner], [.amount("amount")]),
    5: InstructionForm("revoke", [.named("source"), owner]),
    7: InstructionForm("mintTo", [.named("mint"), .named("account"), mintAuthority], [.amount("amount")]),
    8: InstructionForm("burn", [.named("account"), .named("mint"), authority], [.amount("amount")]),
    9: InstructionForm("closeAccount", [.named("account"), .named("destination"), owner]),
    10: InstructionForm("freezeAccount", [.named("account"), .named("mint"), freezeAuthority]),
    11: InstructionForm("thawAccount", [.named("account"), .named("mint"), freezeAuthority]),
    12: InstructionForm(
      "transferChecked", [.named("source"), .named("mint"), .named("destination"), authority],
      [.tokenAmount("tokenAmount")]),
    13: InstructionForm(
      "approveChecked", [.named("source"), .named("mint"), .named("delegate"), owner],
      [.tokenAmount("tokenAmount")]),
    14: InstructionForm(
      "mintToChecked", [.named("mint"), .named("account"), mintAuthority], [.tokenAmount("tokenAmount")]),
    15: InstructionForm(
      "burnChecked", [.named("account"), .named("mint"), authority], [.tokenAmount("tokenAmount")]),
    16: InstructionForm(
      "initializeAccount2", [.named("account"), .named("mint"), .named("rentSysvar")], [.key("owner")]),
    17: InstructionForm("syncNative", [.named("account")]),
    18: InstructionForm("initializeAccount3", [.named("account"), .named("mint")], [.key("owner")]),
    19: InstructionForm(
      "initializeMultisig2", [.named("multisig"), .list("signers")], [.uint8("m")], minimum: 2),
    20: InstructionForm("initializeMint2", [.named("mint")], newMint),
    21: InstructionForm(
      "getAccountDataSize", [.named("mint")], [.wordsToEnd("extensionTypes", TokenExtensions.types)]),
    22: InstructionForm("initializeImmutableOwner", [.named("account")]),
    23: InstructionForm("amountToUiAmount", [.named("mint")], [.amount("amount")]),
    24: InstructionForm("uiAmountToAmount", [.named("mint")], [.textToEnd("uiAmount")]),
    25: InstructionForm("initializeMintCloseAuthority", [.named("mint")], [.nullableKey("newAuthority")]),
    31: InstructionForm(
      "createNativeMint", [.named("payer"), .named("nativeMint"), .named("systemProgram")]),
    32: InstructionForm("initializeNonTransferableMint", [.named("mint")]),
    35: InstructionForm("initializePermanentDelegate", [.named("mint")], [.key("delegate")]),
    38: InstructionForm("withdrawExcessLamports", [.named("source"), .named("destination"), authority]),
  ]

  private static let authorityTypes = [
    "mintTokens", "freezeAccount", "accountOwner", "closeAccount", "transferFeeConfig", "withheldWithdraw",
    "closeMint", "interestRate", "permanentDelegate", "confidentialTransferMint", "transferHookProgramId",
    "confidentialTransferFeeConfig", "metadataPointer", "groupPointer", "groupMemberPointer",
    "scaledUiAmount",
    "pause", "permissionedBurn",
  ]

  /// - Parameter type: of the authority: two kinds are an account's, the others a mint's.
  private static func setAuthority(_ type: UInt8?) -> InstructionForm {
    InstructionForm(
      "setAuthority", [.named(type == 2 || type == 3 ? "account" : "mint"), authority],
      [.word("authorityType", authorityTypes, byteCount: 1), .nullableKey("newAuthority")])
  }

  private static let associated: [InstructionForm] = {
    let created: [InstructionForm.Role] = [
      .named("source"), .named("account"), .named("wallet"), .named("mint"), .named("systemProgram"),
      .named("tokenProgram"),
    ]
    return [
      InstructionForm("create", created), InstructionForm("createIdempotent", created),
      InstructionForm(
        "recoverNested",
        [
          .named("nestedSource"), .named("nestedMint"), .named("destination"), .named("nestedOwner"),
          .named("ownerMint"), .named("wallet"), .named("tokenProgram"),
        ]),
    ]
  }()
}
