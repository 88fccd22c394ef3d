// What is known of a contract's interface, and the function with arguments that a verb is asked for.

import ArgumentParser
import Contracts
import EVM
import Estuary
import FoundationEssentials
import Primitives

/// Interfaces that outputs, events and errors are read by.
struct InterfaceOptions: ParsableArguments {
  @Option(
    name: .customLong("abi"),
    help: ArgumentHelp(
      "An interface to read results, events and errors by: an artefact or its ABI, or one signature such as "
        + "\"error Broke(uint256)\" or \"event Paid(address indexed,uint256)\". May be given more than once.",
      valueName: "file|signature"))
  var sources: [String] = []

  func read() throws -> ContractABI {
    var abi = ContractABI()
    for source in sources { abi.items += try Self.items(source) }
    return abi
  }

  private static func items(_ source: String) throws -> [ABIItem] {
    if !FileManager.default.fileExists(atPath: source), source.contains("(") {
      do throws(ABIError) { return [try ABIItem(signature: source)] } catch { throw ContractError.abi(error) }
    }
    let bytes = try WholeFile.read(source)
    if let json = try? JSONValue.parse(bytes), let interface = json.array == nil ? json["abi"] : json {
      do throws(ABIError) { return try ContractABI(json: interface).items } catch {
        throw ContractError.abiFile(path: source, detail: error.description)
      }
    }
    let artefact: ContractArtefact
    do throws(ArtefactError) { artefact = try ContractArtefact(reading: bytes) } catch {
      throw ContractError.abiFile(path: source, detail: error.description)
    }
    guard let abi = artefact.abi else {
      throw ContractError.abiFile(path: source, detail: "the artefact holds no interface")
    }
    return abi.items
  }
}

/// Which contract is called, and how.
struct CallOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The contract.", valueName: "address"))
  var target: String

  @Argument(
    help: ArgumentHelp(
      "The function, as in transfer(address,uint256), with results behind as in balanceOf(address)(uint256).",
      valueName: "signature"))
  var signature: String?

  @Argument(
    help: ArgumentHelp("Its arguments: 7, -1, 0x12, \"[1, 2]\", \"(1, 0xab)\", text.", valueName: "argument"))
  var arguments: [String] = []

  @Option(help: ArgumentHelp("The whole input, in place of function and arguments.", valueName: "hex"))
  var data: String?

  func validate() throws {
    if data != nil && signature != nil {
      throw ValidationError("give --data, or a signature and arguments")
    }
  }

  var call: ContractCall {
    ContractCall(target: target, signature: signature, arguments: arguments, data: data)
  }
}

/// A contract and what of it is called, as it was written.
struct ContractCall {
  let target: String
  let signature: String?
  let arguments: [String]
  let data: String?

  func address() throws -> Address { try EthereumText.address(target, what: "the contract") }

  /// The input, and the function that it calls where that is known.
  func input(_ abi: ContractABI) throws -> (data: [UInt8], function: ABIItem?) {
    if let data {
      let bytes = try EthereumText.bytes(data, option: "--data")
      return (bytes, abi.item(.function, selector: bytes))
    }
    guard let signature else { return ([], nil) }
    if signature.hasPrefix("0x"), arguments.isEmpty, let bytes = Hex.decode(signature) {
      return (bytes, abi.item(.function, selector: bytes))
    }
    let function = try function(signature, abi)
    do throws(ABIError) { return (try function.callData(texts: arguments), function) } catch {
      throw ContractError.abi(error)
    }
  }

  /// By its signature, or by its name alone where an interface has it.
  private func function(_ text: String, _ abi: ContractABI) throws -> ABIItem {
    if text.contains("(") {
      var function: ABIItem
      do throws(ABIError) { function = try ABIItem(signature: text, kind: .function) } catch {
        throw ContractError.abi(error)
      }
      if function.outputs == nil {
        function.outputs = abi.functions(named: function.signature).first?.outputs
      }
      return function
    }
    let named = abi.functions(named: text)
    let fitting = named.filter { $0.inputs.count == arguments.count }
    if let function = fitting.count == 1 ? fitting.first : named.count == 1 ? named.first : nil {
      return function
    }
    if named.isEmpty { throw ContractError.noFunction(text) }
    throw ContractError.severalFunctions(text, named)
  }
}

extension ContractABI {
  /// Why an execution failed, as people and compilers say it.
  func reason(halt: String, isRevert: Bool, output: [UInt8]) -> String {
    isRevert ? RevertReason(output, errors: errors).description : halt
  }
}
