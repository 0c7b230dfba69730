import ApusCompute
import ApusEngine
import ApusModels
import ApusScheduling
import Foundation
import Testing

@Suite(.serialized) struct StepCostCacheTests {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "apus-\(UUID().uuidString)")
  private let cost = StepCost(step: 0.01, token: 0.001, key: 1e-7, pair: 1e-9)

  private func cache(_ change: (inout EngineConfiguration) -> Void = { _ in }) throws
    -> StepCostCache
  {
    var configuration = EngineConfiguration()
    change(&configuration)
    return StepCostCache(
      folder: folder.path, checkpoint: try Checkpoint.open(Reader.path),
      configuration: configuration, compute: try Compute(pool: WorkerPool(threadCount: 1)))
  }

  private var files: [URL] {
    (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil))
      ?? []
  }

  @Test func keepsWhatWasMeasured() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(try cache().load() == nil)
    try cache().store(cost)
    #expect(try cache().load() == cost)
    #expect(try cache { $0.keyFormat = "q8_0" }.load() == nil)
    #expect(try cache { $0.precision = .full }.load() == nil)
  }

  @Test(arguments: ["", "{", #"{"step":-1,"token":1,"key":0,"pair":0}"#, #"{"step":1}"#])
  func ignoresWhatMakesNoSense(_ text: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try cache().store(cost)
    try Data(text.utf8).write(to: #require(files.first))
    #expect(try cache().load() == nil)
  }

  /// The first start measures, and the file is what the next one reads.
  @Test func engineFillsIt() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    var configuration = EngineConfiguration()
    configuration.threadCount = 1
    configuration.contextLength = 256
    configuration.measurementCache = folder.path
    _ = try Engine(Checkpoint.open(Reader.path), configuration: configuration)
    #expect(files.count == 1)
    let first = try Data(contentsOf: #require(files.first))
    _ = try Engine(Checkpoint.open(Reader.path), configuration: configuration)
    #expect(try Data(contentsOf: #require(files.first)) == first)
  }
}
