// Files of transactions read ahead, in pieces: the same entries as from the whole text, whatever the sizes of pieces and
// the number of threads, and ends for files that have none.

import Foundation
import Primitives
import Testing

@testable import Ledger

@Suite struct TransactionReaderTests {
  private static let good = "{\"solana\":\"AQID\"}"

  private static func text(_ lineCount: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var text: [UInt8] = []
    for _ in 0..<lineCount {
      switch random.next() % 8 {
      case 0: text += [UInt8](repeating: 0x20, count: Int(random.next() % 9))
      case 1: text += Array("{\"solana\":7}\r".utf8)
      case 2: text += Array("[]".utf8)
      case 3:
        let byteCount = Int(random.next() % 300)
        text += Array("{\"ethereum\":\"0x\(String(repeating: "ab", count: byteCount))\"}".utf8)
      default: text += Array(good.utf8)
      }
      text.append(0x0a)
    }
    return text
  }

  private static func read(
    _ path: String, threadCount: Int = 2, pieceByteCount: Int = 1 << 19, lineByteLimit: Int = 1 << 20
  ) throws(TransactionFileError) -> [TransactionLine] {
    try TransactionReader(
      path, threadCount: threadCount, pieceByteCount: pieceByteCount, lineByteLimit: lineByteLimit
    ).rest()
  }

  @Test(arguments: [1, 2, 5]) func piecesGiveTheWhole(threadCount: Int) throws {
    let directory = TemporaryDirectory()
    for (seed, pieceByteCount) in [1, 7, 100, 4096, 1 << 20].enumerated() {
      var text = Self.text(1000, seed: UInt64(seed))
      for hasFeed in [true, false] {
        if !hasFeed { text.removeLast() }
        for mark in [[], [0xef, 0xbb, 0xbf] as [UInt8]] {
          let path = directory.write(mark + text, to: "lines.jsonl")
          let entries = try Self.read(path, threadCount: threadCount, pieceByteCount: pieceByteCount)
          #expect(entries == TransactionLines.split(text), "pieces of \(pieceByteCount)")
        }
      }
    }
    #expect(try Self.read(directory.write([UInt8](), to: "empty")) == [])
    #expect(try Self.read(directory.write([0xef, 0xbb, 0xbf], to: "mark")) == [])
    #expect(try Self.read("/dev/null") == [])
  }

  /// What nobody has asked for is not read: the window is a few pieces.
  @Test func readsAheadAFewPiecesOnly() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let writer = ends[1]
    _ = fcntl(writer, F_SETFL, O_NONBLOCK)
    let reader = try TransactionReader("/dev/fd/\(ends[0])", threadCount: 2, pieceByteCount: 1024)
    let line = Array((Self.good + "\n").utf8)
    var written = 0
    var idle = 0
    while idle < 50 {
      let count = line.withUnsafeBytes { write(writer, $0.baseAddress, $0.count) }
      if count > 0 {
        (written, idle) = (written + 1, 0)
      } else {
        idle += 1
        usleep(10_000)
      }
      // Far more than the pipe holds and the window lets in.
      #expect(written * line.count < 1 << 20)
      if written * line.count >= 1 << 20 { break }
    }
    close(writer)
    #expect(try reader.rest().count == written)
    close(ends[0])
  }

  @Test func aReaderThatIsDroppedStops() throws {
    let directory = TemporaryDirectory()
    let path = directory.write(Self.text(10_000, seed: 3), to: "lines.jsonl")
    for _ in 0..<20 {
      let reader = try TransactionReader(path, threadCount: 3, pieceByteCount: 512)
      _ = try reader.next()
    }
  }

  @Test func endlessLinesAreRefusedByNumber() throws {
    let directory = TemporaryDirectory()
    let limit = 1 << 16
    func expect(_ path: String, line: Int, pieceByteCount: Int = 1 << 12) {
      #expect(throws: TransactionFileError(path: path, .lineTooLong(line: line))) {
        try Self.read(path, pieceByteCount: pieceByteCount, lineByteLimit: limit)
      }
    }
    expect("/dev/zero", line: 1)
    let long = [UInt8](repeating: 0x20, count: limit + 1)
    for end in [[], [0x0a] as [UInt8]] {
      let path = directory.write(Array((Self.good + "\n\n").utf8) + long + end, to: "long.jsonl")
      for pieceByteCount in [1 << 10, 1 << 12, 1 << 16] {
        expect(path, line: 3, pieceByteCount: pieceByteCount)
      }
    }
    let longest = [UInt8](repeating: 0x20, count: limit)
    let path = directory.write(longest + Array(("\n" + Self.good).utf8), to: "longest.jsonl")
    #expect(
      try Self.read(path, pieceByteCount: 1 << 12, lineByteLimit: limit) == [.success(.solana([1, 2, 3]))])
  }

  @Test func aFileWithoutTransactionsIsRefused() throws {
    let directory = TemporaryDirectory()
    let count = TransactionReader.strayLineLimit
    func lines(_ line: String, _ count: Int) -> [UInt8] {
      Array(String(repeating: line + "\n", count: count).utf8)
    }
    let stray = directory.write(lines("a,b", count + 7), to: "table.csv")
    let error = #expect(throws: TransactionFileError.self) { try Self.read(stray) }
    #expect(
      "\(error.map { "\($0)" } ?? "")".hasSuffix(
        "is no file of transactions: its first \(count + 7) lines hold none; line 1, byte 0: unexpected 'a'"))
    // A transaction among them, if a bad one, makes it one.
    for first in [Self.good, "{\"solana\":7}"] {
      let path = directory.write(lines(first, 1) + lines("a,b", count), to: "mixed.jsonl")
      #expect(try Self.read(path).count == count + 1)
    }
    #expect(try Self.read(directory.write(lines("a,b", count - 1), to: "few.csv")).count == count - 1)
  }

  @Test func unreadableFiles() throws {
    let directory = TemporaryDirectory()
    func expect(_ path: String, _ detail: String) {
      #expect(throws: TransactionFileError(path: path, .unreadable(detail: detail))) { try Self.read(path) }
    }
    expect("/none", "No such file or directory")
    expect(directory.path, "Is a directory")
    expect(
      directory.write([0xff, 0xfe, 0x7b, 0x00], to: "utf16"),
      "it is text in UTF-16 or UTF-32: save it as UTF-8")
    expect(
      directory.write([0x1f, 0x8b, 8, 0, 0], to: "gz"), "it is compressed: unpack it first (gzip -d, zstd -d)"
    )
  }
}
