// Finds and reads the files of a suite: paths name files or directories, directories are walked recursively,
// and the order is by path so that reports compare.
import FoundationEssentials

package enum VectorFiles {
  /// Files under `path` whose name ends in `suffix`; a path that is a file counts whatever its name.
  package static func find(_ path: String, suffix: String) throws(ConformanceError) -> [String] {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw .unreadable(path: path)
    }
    guard isDirectory else { return [path] }
    guard let names = try? FileManager.default.subpathsOfDirectory(atPath: path) else {
      throw .unreadable(path: path)
    }
    let base = path.hasSuffix("/") ? path : path + "/"
    let files = names.filter { $0.hasSuffix(suffix) }.sorted().map { base + $0 }
    guard !files.isEmpty else { throw .noVectors(path: path) }
    return files
  }

  package static func read(_ path: String) throws(ConformanceError) -> String {
    guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
    guard let text = String(validating: data, as: UTF8.self) else { throw .notText(path: path) }
    return text
  }
}
