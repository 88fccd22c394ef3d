// Whole files in and out, with errors that name the file. What is written appears whole or not at all.

import Ledger

enum WholeFile {
  static func write(_ bytes: [UInt8], to path: String) throws {
    do throws(FileError) {
      try FileBytes.writeWhole(bytes, to: path)
    } catch {
      throw CLIError.unwritable(path: path, detail: error.detail)
    }
  }

  /// More than any program has; a device goes on for ever.
  private static let byteCountLimit = 64 << 20

  static func read(_ path: String) throws -> [UInt8] {
    do throws(FileError) {
      return try FileBytes.read(path, limit: byteCountLimit)
    } catch {
      throw CLIError.unreadable(path: path, detail: error.detail)
    }
  }
}
