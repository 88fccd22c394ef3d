// Hooks of the opcodes that ask about the frame, the transaction, the block and other accounts.

import Primitives
import SBPF
import WideIntegers
import WideVM

/// The parts every hook has: its frame, and its operands as words (`words[n - 1]` is the top of the stack).
@inline(__always)
func frame(_ context: UnsafeMutableRawPointer) -> FramePointer {
  context.assumingMemoryBound(to: EVMFrame.self)
}

@inline(__always)
func words(_ base: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt256> {
  base.assumingMemoryBound(to: UInt256.self)
}

enum EnvironmentHooks {
  static let address: WideHook = { context, base, _, _ in
    words(base)[0] = frame(context).pointee.address
    return HookResult.goOn
  }

  static let origin: WideHook = { context, base, _, _ in
    words(base)[0] = UInt256(frame(context).host.pointee.message.origin)
    return HookResult.goOn
  }

  static let caller: WideHook = { context, base, _, _ in
    words(base)[0] = frame(context).pointee.caller
    return HookResult.goOn
  }

  static let callValue: WideHook = { context, base, _, _ in
    words(base)[0] = frame(context).pointee.value
    return HookResult.goOn
  }

  static let gasPrice: WideHook = { context, base, _, _ in
    words(base)[0] = frame(context).host.pointee.message.gasPrice
    return HookResult.goOn
  }

  static let codeSize: WideHook = { context, base, _, _ in
    words(base)[0] = UInt256(UInt64(frame(context).pointee.codeByteCount))
    return HookResult.goOn
  }

  static let returnDataSize: WideHook = { context, base, _, _ in
    words(base)[0] = UInt256(UInt64(frame(context).host.pointee.returnByteCount))
    return HookResult.goOn
  }

  // MARK: The block

  static let blockHash: WideHook = { context, base, _, _ in
    let number = words(base)[0].saturatedUInt64
    words(base)[0] = UInt256(frame(context).host.pointee.block.hash(ofBlock: number))
    return HookResult.goOn
  }

  static let coinbase: WideHook = { context, base, _, _ in
    words(base)[0] = UInt256(frame(context).host.pointee.block.coinbase)
    return HookResult.goOn
  }

  static let timestamp: WideHook = { context, base, _, _ in
    words(base)[0] = UInt256(frame(context).host.pointee.block.timestamp)
    return HookResult.goOn
  }

  static let number: WideHook = { context, base, _, _ in
    words(base)[0] = UInt256(frame(context).host.pointee.block.number)
    return HookResult.goOn
  }

  static let prevRandao: WideHook = { context, base, _, _ in
    words(base)[0] = frame(context).host.pointee.block.difficultyOrPrevRandao
    return HookResult.goOn
  }

  static let gasLimit: WideHook = { context, base, _, _ in
    words(base)[0] = UInt256(frame(context).host.pointee.block.gasLimit)
    return HookResult.goOn
  }

  static let chainID: WideHook = { context, base, _, _ in
    words(base)[0] = UInt256(frame(context).host.pointee.block.chainID)
    return HookResult.goOn
  }

  static let baseFee: WideHook = { context, base, _, _ in
    words(base)[0] = frame(context).host.pointee.block.baseFeePerGas
    return HookResult.goOn
  }

  static let blobHash: WideHook = { context, base, _, _ in
    let index = words(base)[0]
    let host = frame(context).host
    let count = host.pointee.message.blobHashes.count
    words(base)[0] =
      index.fitsUInt64 && index.limb0 < UInt64(count)
      ? UInt256(host.pointee.message.blobHashes[Int(index.limb0)]) : .zero
    return HookResult.goOn
  }

  static let blobBaseFee: WideHook = { context, base, _, _ in
    words(base)[0] = frame(context).host.pointee.block.blobBaseFee
    return HookResult.goOn
  }

  // MARK: Accounts

  static let selfBalance: WideHook = { context, base, _, _ in
    let frame = frame(context)
    guard frame.host.use(.balance, at: frame.pointee.account) else { return HookResult.hostFault }
    words(base)[0] = frame.host.pointee.journal.accounts.base[frame.pointee.account].balance
    return HookResult.goOn
  }

  static let balance: WideHook = { context, base, _, _ in
    let frame = frame(context)
    return frame.withAccount(Address(words(base)[0])) { host, position throws(EVMStateError) in
      guard frame.chargeAccess(position) else { return HookResult.outOfGas }
      try host.pointee.journal.use(.balance, at: position)
      words(base)[0] = host.pointee.journal.accounts.base[position].balance
      return HookResult.goOn
    }
  }

  static let extCodeSize: WideHook = { context, base, _, _ in
    let frame = frame(context)
    return frame.withAccount(Address(words(base)[0])) { host, position throws(EVMStateError) in
      guard frame.chargeAccess(position) else { return HookResult.outOfGas }
      let address = Address(words(base)[0])
      if host.pointee.journal.isBorder(address) {
        // Compilers look for code before they call.
        words(base)[0] = .one
        return HookResult.goOn
      }
      let code = try host.pointee.journal.code(at: position)
      words(base)[0] = UInt256(UInt64(code._withUnsafeGuaranteedRef { $0.byteCount }))
      return HookResult.goOn
    }
  }

  static let extCodeHash: WideHook = { context, base, _, _ in
    let frame = frame(context)
    return frame.withAccount(Address(words(base)[0])) { host, position throws(EVMStateError) in
      guard frame.chargeAccess(position) else { return HookResult.outOfGas }
      try host.pointee.journal.use(.code, at: position)
      let account = host.pointee.journal.accounts.base + position
      // Code that is there is enough to know that the account is not empty.
      if !account.pointee.hasCode { account.pointee.uses.insert(.vitality) }
      words(base)[0] =
        account.pointee.flags.contains(.exists) && !account.pointee.isEmpty
        ? UInt256(account.pointee.codeHash) : .zero
      return HookResult.goOn
    }
  }

  static let extCodeCopy: WideHook = { context, base, _, _ in
    let (frame, words) = (frame(context), words(base))
    return frame.withAccount(Address(words[3])) { host, position throws(EVMStateError) in
      guard frame.chargeAccess(position), frame.chargeWords(HostCosts.copyWord, words[0]),
        frame.expand(words[2], words[0])
      else { return HookResult.outOfGas }
      let code = try host.pointee.journal.code(at: position)
      code._withUnsafeGuaranteedRef {
        frame.copy(UnsafeRawPointer($0.bytes), $0.byteCount, from: words[1], to: words[2], count: words[0])
      }
      return HookResult.goOn
    }
  }
}

extension UnsafeMutablePointer where Pointee == EVMFrame {
  /// Calls `body` with the journal's position of an account; a state that cannot be read ends the run.
  @inline(__always)
  func withAccount(
    _ address: Address,
    _ body: (UnsafeMutablePointer<HostState>, Int) throws(EVMStateError) -> UInt64
  ) -> UInt64 {
    let host = pointee.host
    do throws(EVMStateError) {
      return try body(host, host.pointee.journal.position(of: address))
    } catch {
      host.pointee.failure = error
      return HookResult.hostFault
    }
  }

  /// EIP-2929's price of an access to an account, which is warm from now on; nothing before Berlin.
  @inline(__always) func chargeAccess(_ position: Int) -> Bool {
    let host = pointee.host
    guard host.pointee.costs.hasAccessCosts else { return true }
    let isCold = host.pointee.journal.warm(position)
    return charge(isCold ? host.pointee.costs.coldAccount : host.pointee.costs.warmAccess)
  }
}
