// libFuzzer target: any bytes are read as a file of transactions. What it demands beyond not crashing: a file cut between
// two lines reads as its parts do, plain lines read as the JSON reader would have them, and access sets survive being
// written and read.
import Primitives

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = Array(UnsafeBufferPointer(start: start, count: count))
  let whole = TransactionLines.split(text)
  if let feed = text.indices.dropFirst(count / 2).first(where: { text[$0] == 0x0a }) {
    let first = Array(text[...feed])
    // What follows is no beginning of a file: a mark there is part of a line.
    let second = [0x0a] + Array(text[(feed + 1)...])
    let shift = first.count { $0 == 0x0a } - 1
    let parts =
      TransactionLines.split(first)
      + TransactionLines.split(second).map {
        $0.mapError { TransactionLineError(line: $0.line + shift, $0.reason) }
      }
    guard parts == whole else { fatalError("a file and its parts disagree") }
  }
  for entry in whole {
    switch entry {
    case .failure(let error): precondition(!error.description.isEmpty)
    case .success(.ethereum(let wire)): checkAccess(wire.access)
    case .success(.solana): break
    }
  }
  checkLine(text)
  return 0
}

private func checkLine(_ text: [UInt8]) {
  let isOne = text.first != 0x0a && !text.contains(0x0a) && !text.contains(0x0d)
  guard isOne, let first = text.first, first == UInt8(ascii: "{"), text.last == UInt8(ascii: "}") else {
    return
  }
  text.withUnsafeBufferPointer { line in
    let plain = try? TransactionLineScanner.transaction(line)
    let slow = try? TransactionLineScanner.slowTransaction(line)
    guard plain == slow else { fatalError("the two readers of lines disagree") }
  }
}

private func checkAccess(_ set: AccessSet?) {
  guard let set else { return }
  var writer = JSONWriter()
  set.write(to: &writer)
  guard let json = try? JSONValue.parse(writer.bytes), let again = try? AccessSet(json), again == set else {
    fatalError("an access set does not survive being written")
  }
  for entry in set.keys where !set.contains(entry.key, writing: entry.isWritable) {
    fatalError("a set does not contain what it holds")
  }
}
