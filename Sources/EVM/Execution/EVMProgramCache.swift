// Bytecode and the executables made of it, by code hash, shared by all workers. Objects live as long as anybody
// refers to them: forgetting one here frees memory only when the accounts that have it are gone, and costs a
// translation when it comes again.

import Ledger
import Primitives

package final class EVMProgramCache: @unchecked Sendable {
  // Sound as Sendable: what changes is read and written under `lock`.
  private let lock = Lock()
  /// What runs in place of code at some addresses.
  package let natives: NativeContracts
  private var contracts: Shelf
  private var initcodes: Shelf

  /// Codes by hash; the oldest are forgotten first.
  private struct Shelf {
    let byteLimit: Int
    private var codes: [Hash: EVMCode] = [:]
    private var order: [Hash] = []
    private var oldest = 0
    private var byteCount = 0

    init(byteLimit: Int) { self.byteLimit = byteLimit }

    func find(_ hash: Hash) -> EVMCode? { codes[hash] }

    mutating func insert(_ code: EVMCode) {
      codes[code.hash] = code
      order.append(code.hash)
      byteCount += Shelf.size(of: code)
      while byteCount > byteLimit && oldest < order.count - 1 {
        if let gone = codes.removeValue(forKey: order[oldest]) { byteCount -= Shelf.size(of: gone) }
        oldest += 1
      }
      if oldest > 1024 && oldest * 2 > order.count {
        order.removeFirst(oldest)
        oldest = 0
      }
    }

    /// An entry weighs something even where the code is short.
    private static func size(of code: EVMCode) -> Int { code.byteCount + 512 }
  }

  /// - Parameters:
  ///   - contractByteLimit: bytes of deployed bytecode to remember; executables take about 30 times as much.
  ///   - initcodeByteLimit: the same for initcode.
  ///   - natives: what runs in place of code.
  package init(
    contractByteLimit: Int = 32 << 20, initcodeByteLimit: Int = 4 << 20, natives: NativeContracts = .none
  ) {
    self.natives = natives
    contracts = Shelf(byteLimit: contractByteLimit)
    initcodes = Shelf(byteLimit: initcodeByteLimit)
  }

  /// The one object of a contract's code.
  package func code(_ bytes: [UInt8], hash: Hash) -> EVMCode {
    lock.withLock {
      if let code = contracts.find(hash) { return code }
      let code = EVMCode(bytes, hash: hash)
      contracts.insert(code)
      return code
    }
  }

  /// The code of `hash`, if it is known, so that a store need not be read.
  package func code(hash: Hash) -> EVMCode? { lock.withLock { contracts.find(hash) } }

  /// The one object of a creation's code.
  func initcode(_ bytes: [UInt8], hash: Hash) -> EVMCode {
    lock.withLock {
      if let code = initcodes.find(hash) { return code }
      let code = EVMCode(bytes, hash: hash)
      initcodes.insert(code)
      return code
    }
  }
}
