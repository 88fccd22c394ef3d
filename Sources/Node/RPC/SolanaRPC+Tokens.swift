// Methods about accounts of the token programs.

import Estuary
import Execution
import Ledger
import Primitives

extension SolanaRPC {
  static let tokenMethods: [String: Method] = [
    "getTokenAccountBalance": { (rpc, parameters) throws(RPCError) in
      let key = try parameters.pubkey(0)
      let head = try rpc.head(parameters, 1)
      guard let account = try rpc.account(key) else { throw couldNotFindAccount }
      guard let state = TokenState.Holding(account) else {
        throw .invalidParameters("Invalid param: not a Token account")
      }
      let decimals = try rpc.decimals(of: state.mint)
      return answer(at: head.slot) { TokenAmount(state.amount, decimals: decimals).write(to: &$0) }
    },
    "getTokenSupply": { (rpc, parameters) throws(RPCError) in
      let key = try parameters.pubkey(0)
      let head = try rpc.head(parameters, 1)
      guard let account = try rpc.account(key) else { throw couldNotFindAccount }
      guard TokenState.programs.contains(account.owner) else { throw notATokenMint }
      guard let mint = TokenState.Mint(account) else {
        throw .invalidParameters("Invalid param: mint could not be unpacked")
      }
      return answer(at: head.slot) { TokenAmount(mint.supply, decimals: mint.decimals).write(to: &$0) }
    },
    "getTokenLargestAccounts": { (rpc, parameters) throws(RPCError) in
      try await rpc.largestHoldings(parameters)
    },
    "getTokenAccountsByOwner": { (rpc, parameters) throws(RPCError) in
      let owner = try parameters.pubkey(0)
      return try await rpc.holdings(parameters, at: (.holder, owner)) { $0.owner == owner }
    },
    "getTokenAccountsByDelegate": { (rpc, parameters) throws(RPCError) in
      let delegate = try parameters.pubkey(0)
      return try await rpc.holdings(parameters, at: (.delegate, delegate)) { $0.delegate == delegate }
    },
  ]

  private static let couldNotFindAccount = RPCError.invalidParameters("Invalid param: could not find account")
  private static let notATokenMint = RPCError.invalidParameters("Invalid param: not a Token mint")
  private static let couldNotFindMint = RPCError.invalidParameters("Invalid param: could not find mint")

  private func decimals(of mint: Pubkey) throws(RPCError) -> UInt8 {
    if TokenState.nativeMints.contains(mint) { return 9 }
    guard let account = try account(mint) else { throw Self.couldNotFindMint }
    guard let mint = TokenState.Mint(account) else {
      throw .invalidParameters("Invalid param: Token mint could not be unpacked")
    }
    return mint.decimals
  }

  /// The token accounts that `matches` chooses, of the mint or the program that the second parameter names.
  private func holdings(
    _ parameters: Parameters, at place: (OwnerIndex.Kind, Pubkey),
    _ matches: @escaping @Sendable (TokenState.Holding) -> Bool
  ) async throws(RPCError) -> [UInt8] {
    guard let filter = parameters.optional(1)?.object, filter.members.count == 1 else {
      throw .invalidParameters("Invalid params: expected one of `mint`, `programId` as the second parameter.")
    }
    let head = try head(parameters, 2)
    let form = try AccountForm(parameters.options(2), default: .binary)
    let options = Options(object: filter)
    var mint: Pubkey?
    let program: Pubkey
    if let text = try options.string("mint") {
      let key = try Parameters.pubkey(text)
      mint = key
      guard let account = try account(key) else { throw Self.couldNotFindMint }
      guard TokenState.programs.contains(account.owner) else { throw Self.notATokenMint }
      program = account.owner
    } else if let text = try options.string("programId") {
      program = try Parameters.pubkey(text)
      guard TokenState.programs.contains(program) else {
        throw .invalidParameters("Invalid param: unrecognized Token program id")
      }
    } else {
      throw .invalidParameters("Invalid params: unknown variant, expected `mint` or `programId`.")
    }
    let found = try await accounts(of: program, [.tokenAccountState], at: place).filter { _, account in
      guard let state = TokenState.Holding(account) else { return false }
      return matches(state) && (mint == nil || state.mint == mint)
    }
    return Self.answer(at: head.slot, value: try keyed(found, as: form))
  }

  private static let largestHoldingCount = 20

  private func largestHoldings(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let mint = try parameters.pubkey(0)
    let head = try head(parameters, 1)
    let decimals = try decimals(of: mint)
    guard let account = try account(mint), TokenState.programs.contains(account.owner) else {
      throw Self.notATokenMint
    }
    let found = try await accounts(
      of: account.owner, [.tokenAccountState, .bytes(mint.bytes, offset: 0)])
    let largest = found.map { (amount: TokenState.Holding($0.account)?.amount ?? 0, key: $0.key) }
      .sorted { ($0.amount, $0.key) > ($1.amount, $1.key) }.prefix(Self.largestHoldingCount)
    return Self.answer(at: head.slot) { writer in
      writer.array { writer in
        for (amount, key) in largest {
          writer.object { writer in
            writer.member("address", key.description)
            TokenAmount(amount, decimals: decimals).writeMembers(to: &writer)
          }
        }
      }
    }
  }
}

extension TokenAmount {
  /// As members of the object that is being written.
  func writeMembers(to writer: inout JSONWriter) {
    writer.member("amount", String(amount))
    writer.member("decimals", Int(decimals))
    writer.key("uiAmount")
    if let number { writer.value(number) } else { writer.null() }
    writer.member("uiAmountString", text)
  }
}
