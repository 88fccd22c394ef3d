// Access sets as values and as JSON.

import Primitives
import Testing
import WideIntegers

@testable import Ledger

@Suite struct AccessSetTests {
  private static let one = "0x" + String(repeating: "11", count: 20)
  private static let two = "0x" + String(repeating: "22", count: 20)
  private static let key = Pubkey(word0: 1, word1: 2, word2: 3, word3: 4)

  private static func read(_ text: String) throws(AccessSetError) -> AccessSet {
    guard let json = try? JSONValue.parse(text) else { preconditionFailure("a test's JSON: \(text)") }
    return try AccessSet(json)
  }

  private static func text(_ set: AccessSet) -> String {
    var writer = JSONWriter()
    set.write(to: &writer)
    return writer.text
  }

  @Test func membership() throws {
    let set = try Self.read(
      """
      {"readAccounts": ["\(Self.one)", "\(Self.two)"], "writeAccounts": ["\(Self.two)"],
       "readSlots": [["\(Self.one)", 7], ["\(Self.one)", "0x7"]], "writeSlots": [["\(Self.two)", "0x08"]],
       "solana": [{"pubkey": "\(Self.key)", "isWritable": false}]}
      """)
    let one = try #require(Address(hex: Self.one))
    let two = try #require(Address(hex: Self.two))
    let expected: [(AccessSet.Key, reads: Bool, writes: Bool)] = [
      (.account(one), true, false), (.account(two), true, true), (.account(.zero), false, false),
      (.slot(one, 7), true, false), (.slot(one, 8), false, false), (.slot(two, 8), true, true),
      (.slot(two, 7), false, false), (.solana(Self.key), true, false), (.solana(.zero), false, false),
      // The EVM's accounts are the runtime's under keys of their own.
      (.solana(EVMKey.account(one)), true, false), (.solana(EVMKey.account(two)), true, true),
    ]
    for (key, reads, writes) in expected {
      #expect(set.contains(key, writing: false) == reads, "\(key)")
      #expect(set.contains(key, writing: true) == writes, "\(key)")
    }
    #expect(set.slots.count == 2 && set.accounts.count == 2)
    #expect(set.keys.count == 5 && set.keys.allSatisfy { set.contains($0.key, writing: $0.isWritable) })
  }

  @Test func randomSetsAnswerAsListsDo() throws {
    var random = SplitMix64(seed: 11)
    for _ in 0..<200 {
      func below(_ limit: UInt64) -> UInt64 { random.next() % limit }
      let accounts = (0..<below(12)).map { _ in
        AccessSet.Entry(Address(UInt256(below(9))), isWritable: below(2) == 0)
      }
      let slots = (0..<below(20)).map { _ in
        AccessSet.Entry(
          AccessSet.Slot(Address(UInt256(below(3))), UInt256(below(5))), isWritable: below(2) == 0)
      }
      let set = AccessSet(accounts: accounts, slots: slots)
      for number in 0..<UInt64(9) {
        let address = Address(UInt256(number))
        for writing in [false, true] {
          #expect(
            set.contains(account: address, writing: writing)
              == accounts.contains { $0.key == address && ($0.isWritable || !writing) })
          for slot in 0..<UInt64(5) {
            #expect(
              set.contains(slot: UInt256(slot), of: address, writing: writing)
                == slots.contains {
                  $0.key == AccessSet.Slot(address, UInt256(slot)) && ($0.isWritable || !writing)
                })
          }
        }
      }
      #expect(try Self.read(Self.text(set)) == set)
      #expect(AccessSet().union(set) == set && set.union(set) == set)
    }
  }

  @Test func writesWhatItReads() throws {
    let text = """
      {"readAccounts":["\(Self.one)"],"writeAccounts":["\(Self.two)"],"readSlots":[],\
      "writeSlots":[["\(Self.two)","0x\(String(repeating: "0", count: 62))ff"]],\
      "solana":[{"pubkey":"\(Self.key)","isWritable":true}]}
      """
    #expect(try Self.text(Self.read(text)) == text)
    #expect(try Self.read("{}") == AccessSet())
    #expect(try Self.read("{\"readAccounts\":[]}") == AccessSet())
  }

  static let refused: [(text: String, error: String)] = [
    ("7", "\"access\" is no object"),
    ("[]", "\"access\" is no object"),
    ("null", "\"access\" is no object"),
    (
      "{\"reads\":[]}",
      "\"access\" has a member \"reads\": its lists are readAccounts, writeAccounts, readSlots, writeSlots, solana"
    ),
    ("{\"readAccounts\":{}}", "access.readAccounts is no array"),
    ("{\"solana\":null}", "access.solana is no array"),
    ("{\"readAccounts\":[\"0x12\"]}", "access.readAccounts[0] is not an address of 40 hex digits"),
    ("{\"writeAccounts\":[\"\(one)\",7]}", "access.writeAccounts[1] is not an address of 40 hex digits"),
    ("{\"readSlots\":[\"\(one)\"]}", "access.readSlots[0] is not [ADDRESS, SLOT]"),
    ("{\"readSlots\":[[\"\(one)\"]]}", "access.readSlots[0] is not [ADDRESS, SLOT]"),
    ("{\"readSlots\":[[\"\(one)\",-1]]}", "access.readSlots[0] is not [ADDRESS, SLOT]"),
    ("{\"readSlots\":[[\"\(one)\",\"0x\"]]}", "access.readSlots[0] is not [ADDRESS, SLOT]"),
    ("{\"readSlots\":[[\"\(one)\",\"12\"]]}", "access.readSlots[0] is not [ADDRESS, SLOT]"),
    (
      "{\"writeSlots\":[[\"\(one)\",\"0x1\(String(repeating: "0", count: 64))\"]]}",
      "access.writeSlots[0] is not [ADDRESS, SLOT]"
    ),
    ("{\"writeSlots\":[[\"\(one)\",1,2]]}", "access.writeSlots[0] is not [ADDRESS, SLOT]"),
    ("{\"solana\":[\"\(key)\"]}", solana),
    ("{\"solana\":[{\"pubkey\":\"\(key)\"}]}", solana),
    ("{\"solana\":[{\"pubkey\":\"0OIl\",\"isWritable\":true}]}", solana),
    ("{\"solana\":[{\"pubkey\":\"\(key)\",\"isWritable\":1}]}", solana),
    ("{\"solana\":[{\"pubkey\":\"\(key)\",\"isWritable\":true,\"isSigner\":true}]}", solana),
    ("{\"solana\":[{\"pubkey\":\"\(EVMKey.account(.zero))\",\"isWritable\":true}]}", solana),
  ]
  private static let solana =
    "access.solana[0] is not {\"pubkey\": KEY, \"isWritable\": BOOL} with a key outside of the EVM's"

  @Test(arguments: refused) func malformedSets(text: String, error: String) {
    #expect { try Self.read(text) } throws: { "\($0)" == error }
  }

  @Test func undeclaredAccesses() throws {
    let one = try #require(Address(hex: Self.one))
    #expect(
      UndeclaredAccess(.account(one), isWrite: true).description
        == "undeclared access: writes account \(Self.one)")
    #expect(
      UndeclaredAccess(.slot(one, 7), isWrite: false).description
        == "undeclared access: reads slot 0x\(String(repeating: "0", count: 63))7 of \(Self.one)")
    #expect(
      UndeclaredAccess(.solana(Self.key), isWrite: false).description
        == "undeclared access: reads key \(Self.key)")
  }
}
