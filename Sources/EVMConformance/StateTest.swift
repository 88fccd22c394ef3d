// Reads Ethereum's state tests (filled GeneralStateTests,
// https://ethereum-tests.readthedocs.io/en/latest/test_filler/state_filler.html): one file holds tests by name, each a
// block's environment, accounts, and for each fork a list of signed transactions with what they lead to.

import Conformance
import EVM
import Primitives
import WideIntegers

package struct StateTestAccount: Sendable {
  package let address: Address
  package let nonce: UInt64
  package let balance: UInt256
  package let code: [UInt8]
  package let storage: [(slot: UInt256, value: UInt256)]
}

/// One entry of a `post[fork]` list.
package struct StateTestCase: Sendable {
  /// `test fork dN gN vN`
  package let name: String
  package let environment: BlockEnvironment
  package let transaction: StateTestTransaction
  /// Names of errors one of which is expected; empty where the transaction is valid.
  package let exceptions: [String]
  package let stateRoot: Hash
  package let logsHash: Hash
}

package struct StateTest: Sendable {
  package let name: String
  package let accounts: [StateTestAccount]
  package let cases: [StateTestCase]
}

/// Why a file or a part of it is no state test; `path` leads to the value that is missing or wrong.
package struct StateTestError: Error, Equatable, Sendable, CustomStringConvertible {
  package let path: String
  package let problem: String

  package init(path: String, problem: String = "is missing or malformed") {
    (self.path, self.problem) = (path, problem)
  }

  package var description: String { "no state test: '\(path)' \(problem)" }
}

/// What a file holds.
package struct StateTestFile: Sendable {
  package fileprivate(set) var tests: [StateTest] = []
  /// By name, tests and cases that cannot be run, and why.
  package fileprivate(set) var malformed: [(name: String, error: StateTestError)] = []
}

package enum StateTestReader {
  /// The tests of a file, in its order; `fork` leaves out the cases of all others.
  package static func read(_ json: JSONValue, fork: Fork?) throws(StateTestError) -> StateTestFile {
    guard let members = json.object?.members else {
      throw StateTestError(path: "/", problem: "is no object of tests by name")
    }
    return read(members: members, fork: fork)
  }

  static func read(members: [JSONObject.Member], fork: Fork?) -> StateTestFile {
    var file = StateTestFile()
    for member in members {
      do throws(StateTestError) {
        let test = Node(member.value, path: "/\(member.name)")
        file.tests.append(try read(member.name, test, only: fork, &file.malformed))
      } catch {
        file.malformed.append((member.name, error))
      }
    }
    return file
  }

  private static func read(
    _ name: String, _ test: Node, only fork: Fork?, _ malformed: inout [(name: String, error: StateTestError)]
  ) throws(StateTestError) -> StateTest {
    let accounts = try read(accounts: try test["pre"])
    var cases: [StateTestCase] = []
    let template = StateTestTemplate(test.value["transaction"] == nil ? nil : try test["transaction"])
    for (forkName, posts) in try test["post"].members() {
      let named = Fork(name: forkName)
      if let fork, fork != named { continue }
      let name = "\(name) \(forkName)"
      let elements: [Node]
      do throws(StateTestError) { elements = try posts.elements() } catch {
        malformed.append((name, error))
        continue
      }
      let block = Result { () throws(StateTestError) in
        guard let named else { throw StateTestError(path: posts.path, problem: "names no known fork") }
        return try environment(test["env"], named)
      }
      for (index, post) in elements.enumerated() {
        do throws(StateTestError) {
          cases.append(try read(post, name: name, try block.get(), template))
        } catch {
          malformed.append(("\(name) \(index)", error))
        }
      }
    }
    return StateTest(name: name, accounts: accounts, cases: cases)
  }

  static func read(accounts node: Node) throws(StateTestError) -> [StateTestAccount] {
    var accounts: [StateTestAccount] = []
    for (address, account) in try node.members() { accounts.append(try read(account, address)) }
    return accounts
  }

  private static func read(_ account: Node, _ name: String) throws(StateTestError) -> StateTestAccount {
    guard let address = Address(hex: name) else { throw StateTestError(path: account.path) }
    var storage: [(slot: UInt256, value: UInt256)] = []
    for (slot, value) in try account["storage"].members() {
      guard let slot = UInt256(hex: slot) else { throw StateTestError(path: value.path) }
      storage.append((slot, try value.number()))
    }
    return StateTestAccount(
      address: address, nonce: try account["nonce"].integer(), balance: try account["balance"].number(),
      code: try account["code"].bytes(), storage: storage)
  }

  private static func read(
    _ post: Node, name: String, _ environment: BlockEnvironment, _ template: StateTestTemplate
  ) throws(StateTestError) -> StateTestCase {
    let indexes = try post["indexes"]
    let place = try ["data", "gas", "value"].map { key throws(StateTestError) in
      "\(key.prefix(1))\(try indexes[key].index())"
    }
    let names = post.value["expectException"]?.string ?? ""
    let transaction: StateTestTransaction
    if post.value["txbytes"] != nil || !template.isThere {
      transaction = .encoded(try post["txbytes"].bytes())
    } else {
      transaction = try template.transaction(indexes)
    }
    return StateTestCase(
      name: ([name] + place).joined(separator: " "), environment: environment, transaction: transaction,
      exceptions: ExceptionNames.read(names), stateRoot: try post["hash"].hash(),
      logsHash: try post["logs"].hash())
  }

  private static func environment(_ env: Node, _ fork: Fork) throws(StateTestError) -> BlockEnvironment {
    BlockEnvironment(
      fork: fork, number: try env["currentNumber"].integer(),
      timestamp: try env["currentTimestamp"].integer(),
      gasLimit: try env["currentGasLimit"].number().saturatedUInt64,
      coinbase: try env["currentCoinbase"].address(),
      baseFeePerGas: try env.number("currentBaseFee"), difficulty: try env.number("currentDifficulty"),
      prevRandao: Hash(try env.number("currentRandom")),
      excessBlobGas: try env.number("currentExcessBlobGas").saturatedUInt64,
      // In these tests a block's hash is that of its number's digits.
      blockHash: { Keccak256.hash(Array(String($0).utf8)) })
  }
}
