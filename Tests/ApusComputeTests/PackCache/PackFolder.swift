import ApusCompute
import ApusCore
import Foundation
import Synchronization

/// A folder with a model of one matrix, and a cache in it.
final class PackFolder: Sendable {
  let path: String
  private let lines = Mutex<[String]>([])

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult
  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try Data(bytes).write(to: URL(filePath: path + "/" + name))
    return path + "/" + name
  }

  var cache: String { path + "/cache" }
  /// The names of the files in the cache.
  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? []).sorted()
  }
  /// The only one.
  var file: String { cache + "/" + names[0] }
  var warnings: [String] { lines.withLock { $0 } }

  static let (rows, columns) = (100, 96)

  /// A matrix of random numbers as a model file.
  func writeModel(seed: UInt64 = 1, name: String = "model") throws {
    var random = RandomSource(seed: seed)
    let numbers = (0..<Self.rows * Self.columns).map { _ in Float(random.nextUnit() - 0.5) }
    try write(quantize(.f32, numbers), name)
  }

  /// What a start does: the rows in 8 bits, out of the cache or made. Tells whether it made them.
  func start(
    _ model: String = "model", description: String = "", isSettled: Bool = true
  ) throws -> (rows: [[Float]], made: Bool) {
    let pool = WorkerPool(threadCount: 2)
    let file = try MappedFile(path: path + "/" + model)
    let cache = try PackCache(
      folder: cache, files: [file], description: description, pool: pool,
      now: file.identity.changed + (isSettled ? 60 : 0),
      warning: { line in self.lines.withLock { $0.append(line) } })
    let stored = StoredMatrix(
      file: file, offset: 0, type: .f32, rows: Self.rows, columns: Self.columns)
    var made = false
    let rows = try cache.rows("rows", type: .q8_0, rows: Self.rows, columns: Self.columns) {
      made = true
      return try stored.converted(to: .q8_0, pool: pool)
    }
    let numbers = (0..<Self.rows).map { rows.floats(row: $0) }
    cache.finish()
    return (numbers, made)
  }
}
