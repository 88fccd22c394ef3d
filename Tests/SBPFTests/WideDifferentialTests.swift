// Random wide programs on every engine: same fault, pc, gas, window, words, memory, and the same seen by the hooks.
import Primitives
import Testing
import WideIntegers

@testable import Linking
@testable import SBPF
@testable import WideVM

@Suite struct WideDifferentialTests {
  @Test(arguments: 0..<4)
  func enginesAgree(part: Int) throws {
    var random = SplitMix64(seed: 0x91de + UInt64(part))
    let rigs = try WideRig.each()
    var faults: Set<UInt8> = []
    var hookCalls = 0
    for round in 0..<1000 {
      let image = RandomWideProgram.image(&random)
      let executable = try Executable(image: image, syscalls: SyscallRegistry())
      let inner = try Executable(image: RandomWideProgram.image(&random), syscalls: SyscallRegistry())
      let stack = (0..<24).map { _ in WideWords.random(&random) }
      let input = (0..<Int.random(in: 0...120, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      let gas = [40, 400, 4000].randomElement(using: &random)! as Int64
      let runs = rigs.map {
        $0.run(executable, stack: stack, gas: gas, input: input, inner: inner, maxDepth: 3).meaningful
      }
      for (rig, run) in zip(rigs, runs).dropFirst() where run != runs[0] {
        Issue.record(
          """
          part \(part), round \(round), \(rig.engine): \(run.fault) at \(run.pc), gas \(run.gas), not \
          \(runs[0].fault) at \(runs[0].pc), gas \(runs[0].gas); first slot that differs: \
          \(String(describing: run.slots.indices.first { run.slots[$0] != runs[0].slots[$0] }))
          \(Disassembler.disassemble(image))
          """)
        return
      }
      faults.insert(runs[0].fault.rawValue)
      hookCalls += runs[0].log.count
    }
    // The programs are of use only if they end in many ways and get somewhere.
    let usual: [VMFault] = [
      .none, .outOfGas, .stackUnderflow, .stackOverflow, .invalidJump, .invalidInstruction, .halted,
      .hostFault,
    ]
    #expect(faults.isSuperset(of: usual.map(\.rawValue)), "\(faults.sorted())")
    #expect(hookCalls > 500)
  }

  /// The programs read what they have written; what does not is found.
  @Test func emptySlotsAreNotRead() throws {
    var random = SplitMix64(seed: 0xe3947)
    for _ in 0..<300 {
      let image = RandomWideProgram.image(&random)
      #expect(WideContents.firstEmptyRead(in: image) == nil, "\(Disassembler.disassemble(image))")
    }
    let cases: [(String, Int?)] = [
      ("wstack 0, 2\n wnot w0, w0\n exit", 1),
      ("wstack 0, 2\n wgas w0\n wadd w1, w0, w1\n exit", 2),
      ("wstack 0, 2\n wgas w0\n wmulmod w1, w0, w0\n exit", 2),
      ("wstack 0, 2\n wgas w0\n wgas w1\n wmulmod w1, w0, w0\n exit", nil),
      ("wstack 1, 2\n wnot w0, w-1\n wnot w0, w0\n exit", nil),
      ("wstack 0, 2\n wgas w0\n wadjust 1\n wnot w-1, w-1\n wnot w0, w-1\n exit", nil),
      ("wstack 0, 2\n wgas w0\n wadjust 1\n wnot w-1, w0\n exit", 3),
      ("wstack 2, 2\n wadjust -2\n wnot w0, w1\n exit", nil),
      ("wstack 0, 4\n wgas w0\n wsys w0, w1, 5\n wnot w0, w0\n exit", nil),
      ("wstack 0, 4\n wgas w2\n wsys w0, w2, 5\n wnot w0, w2\n exit", 3),
      ("wstack 2, 4\n wsys w-2, w-1, 5\n wnot w-2, w-2\n wnot w-2, w-1\n exit", 3),
      // A value above the window survives a jump forwards, if it is there on every way.
      ("wstack 1, 2\n wgas w0\n wjz w-1, over\n exit\nover: wstack 1, 2\n wnot w-1, w0\n exit", nil),
      ("wstack 1, 2\n wjz w-1, over\n wgas w0\nover: wstack 1, 2\n wnot w-1, w0\n exit", 4),
      ("wstack 1, 2\n wgas w0\n wjz w-1, over\n wgas w1\nover: wstack 1, 2\n wnot w-1, w1\n exit", 5),
      ("wstack 1, 2\n wgas w1\n wadjust 1\n ja over\n exit\nover: wstack 1, 2\n wnot w-1, w0\n exit", nil),
      ("wstack 1, 2\n wgas w1\n wadjust 1\n ja over\n exit\nover: wstack 1, 2\n wnot w-1, w1\n exit", 6),
      // But none backwards or through the table.
      ("ja on\nback: wstack 1, 2\n wnot w-1, w0\n exit\non: wstack 1, 2\n wgas w0\n ja back", 2),
      (
        ".constant 0\n.bytecode 0x5b\n.target 0 over\n wstack 1, 2\n wgas w0\n ja over\nover: wstack 1, 2\n"
          + " wnot w-1, w0\n exit", 4
      ),
      ("wstack 1, 2\n wgas w0\n wjz w-1, over\n wnot w-1, w0\nover: exit", nil),
      ("ja over\nentrypoint: wstack 0, 1\n wjz w0, over\nover: exit", 2),
    ]
    for (text, pc) in cases { #expect(WideContents.firstEmptyRead(in: try wideImage(text)) == pc, "\(text)") }
  }

  /// Every instruction occurs in the programs above.
  @Test func theGeneratorUsesTheWholeFamily() throws {
    var random = SplitMix64(seed: 0x91de)
    var seen: Set<Opcode> = []
    for _ in 0..<300 {
      let image = RandomWideProgram.image(&random)
      for slot in EncodedInsn.slots(of: image.text) {
        seen.insert(try #require(Opcode.decoding(slot.opcode, in: .wide)))
      }
    }
    #expect(seen.count == Opcode.table.count { $0.encoding(in: .wide) != nil })
  }

  /// Random programs, their text, their files: the same program.
  @Test func programsSurviveTextAndFile() throws {
    var random = SplitMix64(seed: 0x7e87)
    for _ in 0..<200 {
      let image = RandomWideProgram.image(&random)
      let text = Disassembler.disassemble(image)
      let again = try wideImage(text)
      #expect(
        again.text == image.text && again.wide == image.wide && again.entryPC == image.entryPC, "\(text)")
      let loaded = try ELFLoader.load(
        try ObjectLinker.executable(image), syscalls: SyscallRegistry(), options: .wide)
      #expect(loaded.text == image.text && loaded.wide == image.wide && loaded.entryPC == image.entryPC)
    }
  }
}

extension WideRun {
  /// Without words that nobody may read: those above the window, and all of them after a fault.
  var meaningful: WideRun {
    var run = self
    run.slots = Array(slots.prefix(fault == .none ? height : 0))
    return run
  }
}
