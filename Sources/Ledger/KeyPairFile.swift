// Key pair files as solana-keygen writes them: a JSON array of 64 numbers, the seed's 32 bytes and then the
// public key's.

import Primitives

package enum KeyPairFileError: Error, Equatable, Sendable {
  /// The file cannot be read or written.
  case inaccessible(path: String, detail: String)
  /// There is a file that may not be replaced.
  case alreadyExists(path: String)
  case json(path: String, JSONError)
  /// Not an array of 64 numbers in `[0, 255]`.
  case malformed(path: String)
  /// The last 32 numbers are not the public key of the first 32.
  case inconsistent(path: String)
}

extension KeyPairFileError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .inaccessible(let path, let detail): "key pair file '\(path)': \(detail)"
    case .alreadyExists(let path):
      "'\(path)' exists: give another name, or --force to replace the key pair in it"
    case .json(let path, let error): "key pair file '\(path)': \(error)"
    case .malformed(let path):
      "key pair file '\(path)' is no array of 64 numbers from 0 to 255: make one with 'estuary keygen'"
    case .inconsistent(let path):
      "key pair file '\(path)': the public key in it does not belong to its secret key"
    }
  }
}

package enum KeyPairFile {
  private static let byteCountLimit = 4096

  package static func read(_ path: String) throws(KeyPairFileError) -> Ed25519.KeyPair {
    let bytes: [UInt8]
    do {
      bytes = try FileBytes.readText(path, limit: byteCountLimit)
    } catch {
      throw .inaccessible(path: path, detail: error.detail)
    }
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue.parse(bytes) } catch { throw .json(path: path, error) }
    guard let numbers = json.array, numbers.count == 64 else { throw .malformed(path: path) }
    let pairBytes = numbers.compactMap { $0.uint64.flatMap { UInt8(exactly: $0) } }
    guard pairBytes.count == 64 else { throw .malformed(path: path) }
    guard let pair = Ed25519.KeyPair(bytes: pairBytes) else { throw .inconsistent(path: path) }
    return pair
  }

  /// Writes a new file that only its owner can read; refuses to replace one unless told to.
  package static func write(
    _ pair: Ed25519.KeyPair, to path: String, replacing: Bool = false
  ) throws(KeyPairFileError) {
    let text = "[" + pair.bytes.map(String.init).joined(separator: ",") + "]"
    do {
      try FileBytes.writeWhole(Array(text.utf8), to: path, mode: 0o600, replacing: replacing)
    } catch {
      if error.alreadyExists { throw .alreadyExists(path: path) }
      throw .inaccessible(path: path, detail: error.detail)
    }
  }
}
