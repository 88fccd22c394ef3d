// Runs Ethereum's transaction tests (https://ethereum-tests.readthedocs.io/en/latest/transaction_tests.html): bytes, and
// for each fork the hash, sender and intrinsic gas, or the reason why they are no transaction of it. No account is asked.

import Conformance
import EVM
import Primitives
import WideIntegers

package enum TransactionTestConformance {
  /// Every fork of every test of the `*.json` files under `paths`, in the order of the files.
  package static func run(paths: [String]) throws -> ConformanceReport {
    var report = ConformanceReport()
    for path in paths {
      for file in try VectorFiles.find(path, suffix: ".json") { report.cases += run(file: file) }
    }
    return report
  }

  private static func run(file: String) -> [ConformanceCase] {
    let members: [JSONObject.Member]
    do { members = try Node.members(ofFile: file) } catch {
      return [ConformanceCase(file: file, line: 0, name: "", outcome: .failed("\(error)"))]
    }
    var cases: [ConformanceCase] = []
    for member in members {
      let test = Node(member.value, path: "/\(member.name)")
      do throws(StateTestError) {
        let bytes = try test["txbytes"].bytes()
        for (fork, expected) in try test["result"].members() {
          let (outcome, note) = run(bytes, forkName: fork, expected)
          cases.append(
            ConformanceCase(file: file, line: 0, name: "\(member.name) \(fork)", outcome: outcome, note: note)
          )
        }
      } catch {
        cases.append(ConformanceCase(file: file, line: 0, name: member.name, outcome: .failed("\(error)")))
      }
    }
    return cases
  }

  private struct Verdict {
    let hash: Hash
    let sender: Address
    let intrinsicGas: UInt64
  }

  private static func run(
    _ bytes: [UInt8], forkName: String, _ expected: Node
  ) -> (ConformanceOutcome, note: String?) {
    guard let fork = Fork(name: forkName) else { return (.failed("'\(forkName)' is no known fork"), nil) }
    do throws(StateTestError) {
      let exceptions = ExceptionNames.read(try expected.optional("exception")?.text() ?? "")
      switch judge(bytes, fork) {
      case .refused(let reason):
        if exceptions.isEmpty { return (.failed("refused (\(reason)), should be valid"), nil) }
        let note = "refused (\(reason)), the file says \(exceptions.joined(separator: " or "))"
        return (.passed, ExceptionNames.allow(reason, exceptions) ? nil : note)
      case .accepted(let verdict):
        if !exceptions.isEmpty {
          return (.failed("valid, should be refused (\(exceptions.joined(separator: " or ")))"), nil)
        }
        return (try compare(verdict, expected), nil)
      }
    } catch { return (.failed("\(error)"), nil) }
  }

  private static func compare(_ verdict: Verdict, _ expected: Node) throws(StateTestError)
    -> ConformanceOutcome
  {
    let hash = try expected["hash"].hash()
    if verdict.hash != hash { return .failed("hash 0x\(Hex.encode(verdict.hash.bytes)), should be \(hash)") }
    let sender = try expected["sender"].address()
    if verdict.sender != sender { return .failed("sender \(verdict.sender), should be \(sender)") }
    let gas = try expected["intrinsicGas"].integer()
    if verdict.intrinsicGas != gas {
      return .failed("intrinsic gas \(verdict.intrinsicGas), should be \(gas)")
    }
    return .passed
  }

  private enum Judgement {
    case refused(String)
    case accepted(Verdict)
  }

  private static func judge(_ bytes: [UInt8], _ fork: Fork) -> Judgement {
    do {
      let transaction = try EthereumTransaction(decoding: bytes)
      let environment = BlockEnvironment(fork: fork, gasLimit: .max)
      let sender = try transaction.recoverSender(fork: fork)
      let intrinsic = try transaction.validate(in: environment)
      if !UInt512(product: UInt256(transaction.gasLimit), transaction.maxFeePerGas).high.isZero {
        return .refused("GASLIMIT_PRICE_PRODUCT_OVERFLOW")
      }
      return .accepted(Verdict(hash: Keccak256.hash(bytes), sender: sender, intrinsicGas: intrinsic.gas))
    } catch let error as EthereumTransactionError {
      return .refused(error.exceptionName)
    } catch let error as TransactionValidityError {
      return .refused(error.exceptionName)
    } catch let error as EthereumSignatureError {
      return .refused(error.exceptionName)
    } catch {
      return .refused("\(error)")
    }
  }
}
