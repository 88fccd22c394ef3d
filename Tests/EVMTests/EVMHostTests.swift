import Glibc
import Primitives
import SBPF
import Testing
import WideIntegers

@testable import EVM

struct EVMHostTests {
  private static let contract = Address(0xc0_0000)
  private static let other = Address(0xd0_0000)
  private static let sender = Address(0xe0_0000)

  private static func world(_ codes: [(Address, String)]) -> EVMWorld {
    let world = EVMWorld()
    world.insert(sender, balance: UInt256(0, 0, 1, 0), nonce: 0, code: .empty, storage: [:])
    for (address, code) in codes {
      world.insert(address, balance: UInt256(1000), nonce: 1, code: EVMCode(Hex.decode(code)!), storage: [:])
    }
    return world
  }

  private static func call(
    _ world: EVMWorld, fork: Fork, engine: Engine, gas: UInt64 = 1_000_000
  ) throws -> (EVMCallResult, EVMStateChanges) {
    let host = try EVMHost(programs: EVMProgramCache(), engine: engine)
    host.begin(reader: world, block: BlockEnvironment(fork: fork), message: EVMMessageOrigin())
    let result = try host.call(contract, from: sender, value: .zero, input: [], gas: gas)
    return (result, try host.finish())
  }

  /// Code that no translator made: its call leaves the callee the caller's own words as stack. What the callee writes
  /// over them does not decide where its output goes.
  @Test(arguments: Engine.available, [0xf1, 0xf2, 0xf4, 0xfa])
  func calleesDoNotChooseWhereTheirOutputGoes(engine: Engine, operation: Int) throws {
    // f1 and f2 take a value.
    let arguments =
      operation == 0xf1 || operation == 0xf2
      ? "wmov w4, c0\n wmov w5, c2\n wmov w6, c3" : "wmov w4, c2\n wmov w5, c3\n wmov w6, c0"
    let text = """
      .constant 0
      .constant 0x41414141
      .constant 0xc00000
      .constant 0x80000
      .constant 32
      .constant 0x10000000000
      .bytecode 0x00
        wcharge 10
        wstack 0, 16
        winputsize w0
        wjnz w0, child
        wmov w0, c4
        wmov w1, c0
        wmov w2, c4
        wmov w3, c0
        \(arguments)
        wsys w7, w7, 0x3d
        wsys w0, w0, 0x\(String(operation, radix: 16))
        wmov w4, c4
        wmov w5, c0
        wsys w4, w6, 0xf3
        winvalid
      child:
        wstack 0, 16
        wmov w0, c4
        wmov w1, c5
        wmov w2, c4
        wstore c0, c1
        wmov w4, c4
        wmov w5, c0
        wsys w4, w6, 0xf3
        winvalid
      """
    let world = Self.world([])
    let image = try Assembler.assemble(text, version: .wide)
    let code = try EVMCode(image: image, fork: .osaka)
    world.insert(Self.contract, balance: UInt256(1000), nonce: 1, code: code, storage: [:])
    let (result, _) = try Self.call(world, fork: .osaka, engine: engine)
    #expect(result.halt == nil)
    #expect(result.output == UInt256(0x4141_4141).bigEndianBytes)
  }

  @Test func translationsOfNothingAreRefused() throws {
    for bytecode in ["", ".bytecode 0xef0100\(String(repeating: "11", count: 20))"] {
      let image = try Assembler.assemble("\(bytecode)\nwinvalid", version: .wide)
      #expect(throws: EVMStateError.self) { try EVMCode(image: image, fork: .osaka) }
    }
  }

  /// Counts in slot 0, then calls itself with all the gas: CALL(gas, address, 0, 0, 0, 0, 0).
  private static let recursion = "6001600054016000556000600060006000600030 5af1".filter { $0 != " " }

  /// Frames of depth 0 to 1024, and the call beyond them fails.
  private static func deepestCall(_ engine: Engine) throws -> UInt256? {
    let (result, changes) = try call(
      world([(contract, recursion)]), fork: .osaka, engine: engine, gas: 1 << 60)
    #expect(result.halt == nil)
    return changes.slots.first?.value
  }

  @Test(arguments: Engine.available)
  func callsNest1024DeepOnAThreadOf8MiB(engine: Engine) throws {
    final class Answer: @unchecked Sendable {
      let engine: Engine
      var result: Result<UInt256?, any Error>?
      init(engine: Engine) { self.engine = engine }
    }
    let answer = Answer(engine: engine)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, EVMHost.stackByteCount)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        let answer = Unmanaged<Answer>.fromOpaque(argument!).takeUnretainedValue()
        answer.result = Result { try EVMHostTests.deepestCall(answer.engine) }
        return nil
      }, Unmanaged.passUnretained(answer).toOpaque())
    #expect(status == 0)
    pthread_join(thread, nil)
    #expect(try answer.result?.get() == UInt256(1025))
  }

  @Test(arguments: Engine.available)
  func creationsNestToo(engine: Engine) throws {
    // Initcode that counts nothing and creates a copy of itself: CODECOPY(0, 0, size); CREATE(0, 0, size).
    let initcode = "386000600039386000600 0f0".filter { $0 != " " }
    let world = Self.world([(Self.contract, initcode)])
    let (result, changes) = try Self.call(world, fork: .osaka, engine: engine, gas: 1 << 60)
    #expect(result.halt == nil)
    #expect(changes.accounts.count { $0.account?.nonce != nil && world.account($0.address) == nil } > 100)
  }

  @Test(arguments: Engine.available)
  func returnDataOfAnInnerCallIsNotTheOuterOnes(engine: Engine) throws {
    // other: returns 32 bytes of 0x…2a. contract: calls it, then returns RETURNDATASIZE.
    let inner = "602a60005260206000f3"
    let outer = "6000600060006000600062d000005af1503d60005260206000f3"
    let (result, _) = try Self.call(
      Self.world([(Self.contract, outer), (Self.other, inner)]), fork: .osaka, engine: engine)
    #expect(result.output == UInt256(32).bigEndianBytes)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let code: String
    let fork: Fork
    let gasUsed: UInt64
    let halt: EVMHalt?
    var testDescription: String { "\(name) \(fork)" }
  }

  /// Gas by hand from the EIPs: static gas of the pushes, then what the operation at hand costs.
  private static let cases: [Case] = [
    Case(name: "SLOAD", code: "600054", fork: .frontier, gasUsed: 3 + 50, halt: nil),
    Case(name: "SLOAD", code: "600054", fork: .tangerineWhistle, gasUsed: 3 + 200, halt: nil),
    Case(name: "SLOAD", code: "600054", fork: .istanbul, gasUsed: 3 + 800, halt: nil),
    Case(name: "SLOAD cold", code: "600054", fork: .berlin, gasUsed: 3 + 2100, halt: nil),
    Case(name: "SLOAD warm", code: "600054600054", fork: .berlin, gasUsed: 6 + 2100 + 100, halt: nil),
    Case(name: "SSTORE new", code: "6001600055", fork: .byzantium, gasUsed: 6 + 20_000, halt: nil),
    Case(name: "SSTORE new", code: "6001600055", fork: .berlin, gasUsed: 6 + 22_100, halt: nil),
    Case(name: "SSTORE same", code: "6000600055", fork: .constantinople, gasUsed: 6 + 200, halt: nil),
    Case(name: "SSTORE same", code: "6000600055", fork: .petersburg, gasUsed: 6 + 5000, halt: nil),
    Case(name: "SSTORE same", code: "6000600055", fork: .istanbul, gasUsed: 6 + 800, halt: nil),
    Case(name: "BALANCE cold", code: "62d0000031", fork: .berlin, gasUsed: 3 + 2600, halt: nil),
    Case(name: "BALANCE precompile", code: "600131", fork: .berlin, gasUsed: 3 + 100, halt: nil),
    Case(name: "SELFDESTRUCT", code: "62d00000ff", fork: .homestead, gasUsed: 3, halt: nil),
    Case(name: "SELFDESTRUCT", code: "62d00000ff", fork: .berlin, gasUsed: 3 + 5000 + 2600, halt: nil),
    // To an account that is not there: a new one.
    Case(name: "SELFDESTRUCT new", code: "62f00000ff", fork: .osaka, gasUsed: 3 + 7600 + 25_000, halt: nil),
    Case(
      name: "CALL value", code: "600060006000600060016 2f000005af1".filter { $0 != " " }, fork: .osaka,
      gasUsed: 20 + 2600 + 9000 + 25_000 - 2300, halt: nil),
    Case(name: "EXP", code: "61ffff60020a", fork: .homestead, gasUsed: 6 + 10 + 20, halt: nil),
    Case(name: "EXP", code: "61ffff60020a", fork: .osaka, gasUsed: 6 + 10 + 100, halt: nil),
    Case(name: "KECCAK256", code: "6021600020", fork: .osaka, gasUsed: 6 + 30 + 12 + 6, halt: nil),
    Case(
      name: "MCOPY", code: "602060206000 5e".filter { $0 != " " }, fork: .osaka, gasUsed: 9 + 6 + 6, halt: nil
    ),
    Case(
      name: "LOG1", code: "6001602060 00a1".filter { $0 != " " }, fork: .osaka,
      gasUsed: 9 + 750 + 8 * 32 + 3, halt: nil),
    Case(name: "TSTORE", code: "6001600 05d".filter { $0 != " " }, fork: .osaka, gasUsed: 106, halt: nil),
    Case(name: "memory far away", code: "600160ff1b51", fork: .osaka, gasUsed: 1_000_000, halt: .outOfGas),
    Case(name: "undefined", code: "0c", fork: .osaka, gasUsed: 1_000_000, halt: .invalidOpcode),
    Case(name: "PUSH0 early", code: "5f", fork: .paris, gasUsed: 1_000_000, halt: .invalidOpcode),
    Case(name: "underflow", code: "01", fork: .osaka, gasUsed: 1_000_000, halt: .stackUnderflow),
    Case(name: "bad jump", code: "600356", fork: .osaka, gasUsed: 1_000_000, halt: .invalidJump),
    Case(name: "REVERT", code: "60006000fd", fork: .osaka, gasUsed: 6, halt: .revert),
    Case(
      name: "RETURNDATACOPY beyond", code: "6001600060003e", fork: .osaka, gasUsed: 1_000_000,
      halt: .returnDataOutOfBounds),
  ]

  @Test(arguments: cases, Engine.available)
  func gasIsWhatTheForkSays(test: Case, engine: Engine) throws {
    let (result, _) = try Self.call(
      Self.world([(Self.contract, test.code), (Self.other, "00")]), fork: test.fork, engine: engine)
    #expect(result.halt == test.halt)
    #expect(1_000_000 - result.gasLeft == test.gasUsed)
  }

  /// In a static call whatever changes state ends the frame; reading does not.
  @Test(
    arguments: [
      ("600060005500", false), ("6000600060006000600160005af1", false),
      ("6000600060006000600060005af1", true),
      ("60006000a0", false), ("600060006000f0", false), ("6000600060006000f5", false), ("6000ff", false),
      ("600060005d", false), ("60005c", true), ("600054", true),
    ] as [(String, Bool)])
  func staticCallsChangeNothing(code: String, isAllowed: Bool) throws {
    // contract: STATICCALL(gas, other, 0, 0, 0, 0), and returns what it pushes.
    let outer = "600060006000600062d000005afa60005260206000f3"
    let (result, _) = try Self.call(
      Self.world([(Self.contract, outer), (Self.other, code)]), fork: .osaka, engine: .interpreter)
    #expect(result.output == UInt256(isAllowed ? 1 : 0).bigEndianBytes)
  }
}
