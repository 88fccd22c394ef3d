// libFuzzer target: any bytes as a relocatable object, linked for every version. Whatever is linked must load, verify
// and decode.
import Linking

@testable import SBPF

private let syscalls = FuzzSyscalls.registry()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  for version in SBPFVersion.classic {
    guard let file = try? ObjectLinker.link(bytes, version: version, syscalls: syscalls) else { continue }
    do {
      let image = try ELFLoader.load(file, syscalls: syscalls, options: .deployment)
      _ = try Executable(image: image, syscalls: syscalls, refusesUnresolvedCalls: true)
    } catch {
      fatalError("a linked \(version) program is refused: \(error)")
    }
  }
  return 0
}
