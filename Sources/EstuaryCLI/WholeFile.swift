// Whole files in and out, with errors that name the file.

import Ledger

enum WholeFile {
  static func write(_ bytes: [UInt8], to path: String) throws {
    do throws(FileError) {
      try FileBytes.write(bytes, to: path, mode: 0o644, replacing: true)
    } catch {
      throw CLIError.unwritable(path: path, detail: error.detail)
    }
  }

  static func read(_ path: String, limit: Int = .max) throws -> [UInt8] {
    do throws(FileError) {
      return try FileBytes.read(path, limit: limit)
    } catch {
      throw CLIError.unreadable(path: path, detail: error.detail)
    }
  }
}
