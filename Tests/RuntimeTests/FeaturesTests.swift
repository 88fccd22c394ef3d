// What features switch: syscalls that programs find, and the depth of invocations. Calls of names that nobody knows, or
// that no feature has switched on, are left to fault when they are reached.

import Ledger
import Primitives
import Testing

@testable import Linking
@testable import Runtime
@testable import SBPF

@Suite struct FeaturesTests {
  /// `mov64 r0, 0; exit; call NAME; exit`: the call is never reached.
  private static func elf(calling name: String, version: SBPFVersion) throws -> [UInt8] {
    let image = try Assembler.assemble("entrypoint:\nmov64 r0, 0\nexit\ncall \(name)\nexit", version: version)
    var program = LinkedProgram(version: version)
    program.text = image.text
    if version.hasStrictELF { return try ExecutableWriter.strict(program) }
    program.text.replaceSubrange(20..<24, with: [0xff, 0xff, 0xff, 0xff])
    program.calls = [LinkedProgram.DynamicCall(pc: 2, name: name, function: nil)]
    return try ExecutableWriter.lenient(program)
  }

  @Test(arguments: SBPFVersion.classic) func unknownNamesFaultWhenReached(version: SBPFVersion) throws {
    for name in ["sol_nonsense", "sol_get_fees_sysvar", "sol_big_mod_exp"] {
      let elf = try Self.elf(calling: name, version: version)
      let state = elf.withUnsafeBytes { ProgramEntry.load($0, syscalls: SyscallTable.registry()).state }
      guard case .executable = state else {
        Issue.record("\(name) in \(version): \(state)")
        continue
      }
      #expect((ProgramEntry.objection(toDeploying: elf) == nil) == version.hasStaticSyscalls)
      #expect(
        (ProgramEntry.objection(toDeploying: elf, .all) == nil)
          == (version.hasStaticSyscalls || name == "sol_big_mod_exp"))
      #expect(try ProgramRunner(elf: elf).run(data: []).result == 0)
    }
  }

  @Test func syscallsComeAndGo() {
    let names = Set(SyscallTable.registry().entries.map(\.name))
    let all = Set(SyscallTable.registry(.all).entries.map(\.name))
    #expect(
      all.subtracting(names) == ["sol_blake3", "sol_big_mod_exp", "sol_remaining_compute_units"]
        && names.isSubset(of: all))
    #expect(Set(SyscallTable.deployment().entries.map(\.name)) == names.subtracting(["sol_alloc_free_"]))
    let one = Set(SyscallTable.registry(.blake3).entries.map(\.name))
    #expect(one.subtracting(names) == ["sol_blake3"])
  }

  @Test func accountsSwitchThemOn() throws {
    let (on, off) = (Feature.data(activatedAt: 0x1234), Feature.data(activatedAt: nil))
    #expect(on == [1, 0x34, 0x12, 0, 0, 0, 0, 0, 0] && off == [UInt8](repeating: 0, count: 9))
    for feature in Feature.all {
      func features(_ data: [UInt8], owner: Pubkey = ProgramID.feature) -> Features {
        Features { key in key == feature.key ? Account(lamports: 1, data: data, owner: owner) : .empty }
      }
      #expect(features(on) == feature.feature)
      #expect(features(on + [7]) == feature.feature)
      #expect(features(off) == .mainnet && features(Array(on.dropLast())) == .mainnet && features([]) == .mainnet)
      #expect(features(on, owner: ProgramID.system) == .mainnet)
    }
    #expect(Features { _ in Account(lamports: 1, data: on, owner: ProgramID.feature) } == .all)
    #expect(Set(Feature.all.map(\.key)).count == Feature.all.count)
  }

  @Test func cachesKeepWhatWasAdded() throws {
    let function: SyscallFunction = { _, _, _, _, _, _ in 7 }
    let cache = ProgramCache(additionalSyscalls: [("sol_mine", function)])
    #expect(cache.serving(.mainnet) === cache)
    let other = cache.serving(.blake3)
    for registry in [other.syscalls, other.deploymentSyscalls] {
      let names = registry.entries.map(\.name)
      #expect(names.contains("sol_mine") && names.contains("sol_blake3"))
    }
  }
}
