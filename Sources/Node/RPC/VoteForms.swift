// Vote accounts and instructions of the vote program as `jsonParsed` tells them (Agave's account-decoder and
// transaction-status crates, parse_vote.rs). Lists within what an instruction carries have the names that the fields have in
// Rust.

import Ledger
import Primitives
import Runtime

extension VoteState {
  /// The state that an account of the vote program holds, whoever may vote; `nil` where it holds none.
  static func stored(_ account: Account, at key: Pubkey) -> VoteState? {
    account.data.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      switch try? decode(&reader, at: key) {
      case .state(let state), .uninitialized(let state): return state
      case .unwritten, nil: return nil
      }
    }
  }
}

enum VoteForms {
  // MARK: Accounts

  static func write(_ state: VoteState, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("info")
      writer.object { writer in write(membersOf: state, to: &writer) }
      writer.member("type", "vote")
    }
  }

  private static func write(membersOf state: VoteState, to writer: inout JSONWriter) {
    writer.key("authorizedVoters")
    writer.array { writer in
      for voter in state.authorizedVoters {
        writer.object { writer in
          writer.member("authorizedVoter", voter.key.description)
          writer.member("epoch", voter.epoch)
        }
      }
    }
    writer.member("authorizedWithdrawer", state.authorizedWithdrawer.description)
    writer.member("blockRevenueCollector", state.blockRevenueCollector.description)
    writer.member("blockRevenueCommissionBps", Int(state.blockRevenueCommission))
    if let key = state.blsKey {
      writer.member("blsPubkeyCompressed", Base58.encode(key))
    } else {
      writer.memberNull("blsPubkeyCompressed")
    }
    writer.member("commission", Int(state.commission))
    writer.key("epochCredits")
    writer.array { writer in
      for credits in state.epochCredits {
        writer.object { writer in
          writer.member("credits", String(credits.credits))
          writer.member("epoch", credits.epoch)
          writer.member("previousCredits", String(credits.previousCredits))
        }
      }
    }
    writer.member("inflationRewardsCollector", state.inflationRewardsCollector.description)
    writer.member("inflationRewardsCommissionBps", Int(state.inflationRewardsCommission))
    writer.key("lastTimestamp")
    writer.object { writer in
      writer.member("slot", state.lastTimestamp.slot)
      writer.member("timestamp", state.lastTimestamp.seconds)
    }
    writer.member("nodePubkey", state.node.description)
    writer.member("pendingDelegatorRewards", String(state.pendingDelegatorRewards))
    // Version 4 keeps none.
    writer.key("priorVoters")
    writer.array { _ in }
    writer.optionalMember("rootSlot", state.rootSlot)
    writer.key("votes")
    writer.array { writer in
      for vote in state.votes {
        writer.object { writer in
          writer.member("confirmationCount", UInt64(vote.lockout.confirmationCount))
          writer.member("latency", Int(vote.latency))
          writer.member("slot", vote.slot)
        }
      }
    }
  }

  // MARK: Instructions

  /// `{"info", "type"}`; `nil` where data or accounts do not fit.
  static func write(_ accounts: [Pubkey], _ data: inout ByteReader) -> [UInt8]? {
    guard let instruction = try? VoteInstruction.decode(&data) else { return nil }
    let form = form(of: instruction)
    guard accounts.count >= form.roles.count, !accounts.isEmpty else { return nil }
    var writer = JSONWriter()
    writer.object { writer in
      writer.key("info")
      writer.object { writer in
        for (role, key) in zip(form.roles, accounts) { writer.member(role, key.description) }
        write(fieldsOf: instruction, to: &writer)
      }
      writer.member("type", form.type)
    }
    return writer.bytes
  }

  /// What an instruction is called, and the accounts that it cannot do without.
  private static func form(of instruction: VoteInstruction) -> (type: String, roles: [String]) {
    let (account, clock) = ("voteAccount", "clockSysvar")
    switch instruction {
    case .initializeAccount: return ("initialize", [account, "rentSysvar", clock, "node"])
    case .authorize: return ("authorize", [account, clock, "authority"])
    case .authorizeChecked: return ("authorizeChecked", [account, clock, "authority", "newAuthority"])
    case .authorizeWithSeed: return ("authorizeWithSeed", [account, clock, "authorityBaseKey"])
    case .authorizeCheckedWithSeed:
      return ("authorizeCheckedWithSeed", [account, clock, "authorityBaseKey", "newAuthority"])
    case .vote(_, let proof):
      return (proof == nil ? "vote" : "voteSwitch", [account, "slotHashesSysvar", clock, "voteAuthority"])
    case .updateTower(_, let form, let proof):
      let name =
        switch form {
        case .whole: "updatevotestate"
        case .compact: "compactupdatevotestate"
        case .sync: "towersync"
        }
      return (proof == nil ? name : name + "switch", [account, "voteAuthority"])
    case .withdraw: return ("withdraw", [account, "destination", "withdrawAuthority"])
    case .updateValidatorIdentity:
      return ("updateValidatorIdentity", [account, "newValidatorIdentity", "withdrawAuthority"])
    case .updateCommission: return ("updateCommission", [account, "withdrawAuthority"])
    case .updateCommissionBps: return ("updateCommissionBps", [account, "withdrawAuthority"])
    case .updateCommissionCollector:
      return ("updateCommissionCollector", [account, "newCollector", "withdrawAuthority"])
    case .depositDelegatorRewards: return ("depositDelegatorRewards", [account, "source"])
    case .initializeAccountV2:
      return ("initializeV2", [account, "node", "inflationRewardsCollector", "blockRevenueCollector"])
    }
  }

  private static func write(fieldsOf instruction: VoteInstruction, to writer: inout JSONWriter) {
    switch instruction {
    case .initializeAccount(let fields):
      writer.member("authorizedVoter", fields.authorizedVoter.description)
      writer.member("authorizedWithdrawer", fields.authorizedWithdrawer.description)
      writer.member("commission", Int(fields.commission))
    case .initializeAccountV2(let fields):
      writer.member("authorizedVoter", fields.authorizedVoter.description)
      writer.member("authorizedWithdrawer", fields.authorizedWithdrawer.description)
      writer.member("inflationRewardsCommissionBps", Int(fields.inflationRewardsCommission))
      writer.member("blockRevenueCommissionBps", Int(fields.blockRevenueCommission))
    case .authorize(let key, let authority):
      write(authority, to: &writer)
      writer.member("newAuthority", key.description)
    case .authorizeChecked(let authority): write(authority, to: &writer)
    case .authorizeWithSeed(let authority, let derived, let key):
      write(authority, to: &writer)
      write(derived, to: &writer)
      writer.member("newAuthority", key.description)
    case .authorizeCheckedWithSeed(let authority, let derived):
      write(authority, to: &writer)
      write(derived, to: &writer)
    case .vote(let vote, let proof):
      if let proof { writer.member("hash", proof.description) }
      writer.key("vote")
      writer.object { writer in
        writer.member("hash", vote.hash.description)
        writer.key("slots")
        writer.array { writer in for slot in vote.slots { writer.value(slot) } }
        writer.optionalMember("timestamp", vote.timestamp)
      }
    case .updateTower(let tower, let form, let proof):
      if let proof { writer.member("hash", proof.description) }
      if case .sync(let blockID) = form {
        writer.key("towerSync")
        write(tower, blockID: blockID, to: &writer)
      } else {
        writer.key("voteStateUpdate")
        write(tower, blockID: nil, to: &writer)
      }
    case .withdraw(let lamports): writer.member("lamports", lamports)
    case .updateValidatorIdentity: break
    case .updateCommission(let percent): writer.member("commission", Int(percent))
    case .updateCommissionBps(let commission, let kind):
      writer.member("commissionBps", Int(commission))
      write(kind, to: &writer)
    case .updateCommissionCollector(let kind): write(kind, to: &writer)
    case .depositDelegatorRewards(let lamports): writer.member("deposit", lamports)
    }
  }

  private static func write(_ tower: VoteInstruction.Tower, blockID: Hash?, to writer: inout JSONWriter) {
    writer.object { writer in
      if let blockID { writer.member("blockId", blockID.description) }
      writer.member("hash", tower.hash.description)
      writer.key("lockouts")
      writer.array { writer in
        for lockout in tower.lockouts {
          writer.object { writer in
            writer.member("confirmation_count", UInt64(lockout.confirmationCount))
            writer.member("slot", lockout.slot)
          }
        }
      }
      writer.optionalMember("root", tower.root)
      writer.optionalMember("timestamp", tower.timestamp)
    }
  }

  private static func write(_ authority: VoteInstruction.Authority, to writer: inout JSONWriter) {
    switch authority {
    case .voter: writer.member("authorityType", "Voter")
    case .withdrawer: writer.member("authorityType", "Withdrawer")
    case .voterWithBLS(let key):
      writer.key("authorityType")
      writer.object { writer in
        writer.key("VoterWithBLS")
        writer.object { writer in
          for (name, bytes) in [
            ("bls_proof_of_possession", key.proofOfPossession), ("bls_pubkey", key.bytes),
          ] {
            writer.key(name)
            writer.array { writer in for byte in bytes { writer.value(Int(byte)) } }
          }
        }
      }
    }
  }

  private static func write(_ derived: VoteInstruction.DerivedAuthority, to writer: inout JSONWriter) {
    writer.member("authorityOwner", derived.owner.description)
    writer.member("authoritySeed", String(decoding: derived.seed, as: UTF8.self))
  }

  private static func write(_ kind: VoteInstruction.CommissionKind, to writer: inout JSONWriter) {
    writer.member("commissionKind", kind == .inflationRewards ? "InflationRewards" : "BlockRevenue")
  }
}

extension VoteState {
  /// Percent of the inflation's rewards, without what is beyond 255.
  var commission: UInt8 { UInt8(truncatingIfNeeded: inflationRewardsCommission / 100) }
}

extension JSONWriter {
  fileprivate mutating func optionalMember(_ name: String, _ value: UInt64?) {
    if let value { member(name, value) } else { memberNull(name) }
  }

  fileprivate mutating func optionalMember(_ name: String, _ value: Int64?) {
    if let value { member(name, value) } else { memberNull(name) }
  }
}
