// Answers a stream of files on standard input (u32 LE length, bytes) with a line each: the verdict at execution, a zero byte,
// which no name in a file holds, and the verdict at deployment, worded as a validator words it. Tools/oracle/check_loader.py
// asks LiteSVM the same.
import Foundation

@testable import SBPF

@main
enum LoaderJudge {
  static let syscalls = FuzzSyscalls.registry()

  static func main() throws {
    let input = FileHandle.standardInput
    while let length = try input.read(upToCount: 4), length.count == 4 {
      let count = length.reduce(into: (0, 0)) { $0 = ($0.0 | Int($1) << $0.1, $0.1 + 8) }.0
      let bytes = count == 0 ? [] : [UInt8](try input.read(upToCount: count) ?? Data())
      let line = verdict(bytes, .execution) + "\0" + verdict(bytes, .deployment)
      FileHandle.standardOutput.write(Data((line.replacingOccurrences(of: "\n", with: " ") + "\n").utf8))
    }
  }

  static func verdict(_ bytes: [UInt8], _ options: LoaderOptions) -> String {
    do {
      let image = try ELFLoader.load(bytes, syscalls: syscalls, options: options)
      _ = try Executable(image: image, syscalls: syscalls)
      return "ok"
    } catch let error as ELFError {
      return error.description
    } catch ExecutableError.verifier(let error) {
      return "Verifier error: \(error)"
    } catch {
      return "\(error)"
    }
  }
}
