// libFuzzer target: any bytes go through both judgements of the loader, the verifier, the decoder, the compiler and
// the summary. What it demands beyond not crashing: what deployment accepts, execution accepts, too.
import Linking

@testable import SBPF

private let syscalls = FuzzSyscalls.registry()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let deployed = try? ELFLoader.load(bytes, syscalls: syscalls, options: .deployment)
  let executed = try? ELFLoader.load(bytes, syscalls: syscalls, options: .execution)
  if let deployed {
    guard let executed, executed.text == deployed.text, executed.rodata == deployed.rodata else {
      fatalError("deployment and execution disagree")
    }
  }
  if let executed, let executable = try? Executable(image: executed, syscalls: syscalls) {
    executable.prepare(for: .threaded)
    executable.prepare(for: .jit)
  }
  _ = ELFSummary(bytes, syscalls: syscalls)
  return 0
}
